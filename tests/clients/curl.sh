#!/bin/sh
# curl, as somebody types it.
set -eu
post() { curl --silent --show-error "$LOCI_URL/v1/$1" -H 'content-type: application/json' -d "$2"; }
has() { case "$1" in *"$2"*) ;; *) echo "\`$1\` lacks \`$2\`" >&2; exit 1 ;; esac; }

question='{"messages":[{"role":"user","content":"Hello"}],"max_tokens":4'
has "$(post chat/completions "$question}")" '"object":"chat.completion"'
has "$(post chat/completions "$question,\"stream\":true}")" 'data: [DONE]'
has "$(post completions '{"prompt":"Once","max_tokens":4}')" '"object":"text_completion"'
has "$(post embeddings '{"input":"A violin."}')" '"object":"embedding"'
has "$(curl --silent "$LOCI_URL/v1/models")" '"owned_by":"loci"'
has "$(post chat/completions '{"messages":[]}')" '"param":"messages"'
has "$(post nowhere '{}')" '"code":"not_found"'
