#!/usr/bin/env bash
# usage: predict.sh http://HOST:PORT MODEL '{"column": [values], ...}'     prints the outputs by name (needs curl and jq)
set -euo pipefail
url=$1 model=$2 columns=$3
body=$(jq -c '{inputs: [to_entries[] | {
  name: .key,
  shape: [.value | length],
  datatype: (.value | map(select(. != null)) |
    if all(type == "boolean") and length > 0 then "BOOL"
    elif all(type == "number") and length > 0 then (if all(floor == .) then "INT64" else "FP64" end)
    else "BYTES" end),
  data: .value}]}' <<<"$columns")
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
status=$(curl -sS --max-time 10 -o "$answer" -w '%{http_code}' \
  -H 'Content-Type: application/json' --data-binary "$body" "$url/v2/models/$model/infer")
if [ "$status" != 200 ]; then
  echo "$status: $(jq -r .error "$answer")" >&2 # the server says which column is wrong
  exit 1
fi
jq -c '[.outputs[] | {(.name): .data}] | add' "$answer"
