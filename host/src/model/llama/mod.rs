//! llama.cpp in this process. The only folder that names `llama_cpp_2`.
