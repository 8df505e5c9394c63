// What all kinds share on their way from and to JSON: the envelope of apiVersion, kind, metadata.
#pragma once

#include <string>
#include <vector>

#include "operator/api/codec.h"
#include "operator/api/reader.h"
#include "operator/api/writer.h"

namespace penstock::api {

// Checks the envelope and reads metadata, spec and status of T. `require_spec`: an object without
// a spec is wrong.
template <typename T, typename ReadStatus>
Decoded<T> DecodeObject(const Json& object, const char* kind, Text name_limits,
                        ReadStatus&& read_status);

// Errors of apiVersion, kind and metadata.
void CheckEnvelope(const Json& object, const char* kind, Text name_limits,
                   std::vector<FieldError>* errors);
[[nodiscard]] Json EncodeEnvelope(const ObjectMeta& meta, const char* kind);

template <typename T, typename ReadStatus>
Decoded<T> DecodeObject(const Json& object, const char* kind, Text name_limits,
                        ReadStatus&& read_status) {
  Decoded<T> out;
  CheckEnvelope(object, kind, name_limits, &out.errors);
  if (!object.is_object()) return out;
  out.value.meta = DecodeMeta(object);
  const auto spec = object.find("spec");
  if (spec == object.end() || spec->is_null()) {
    out.errors.push_back({"spec", "is required"});
  } else {
    Reader reader(*spec, "spec", &out.errors);
    Fields(reader, out.value.spec);
    reader.Finish();
  }
  const auto status = object.find("status");
  if (status != object.end() && !status->is_null()) {
    Reader reader(*status, "status", &out.errors, /*strict=*/false);
    read_status(reader, out.value);
    reader.Finish();
  }
  return out;
}

template <typename T>
Json EncodeFields(const T& value, bool cut_text) {
  Json out;
  Writer writer(&out, cut_text);
  Fields(writer, value);
  return out;
}

}  // namespace penstock::api
