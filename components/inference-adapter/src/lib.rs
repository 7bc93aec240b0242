//! Chats through an OpenAI-compatible server or Spin's own LLM interface.
