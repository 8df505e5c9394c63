// A dataset's schema as a person writes it: what is accepted comes back from what is written of it.
#include <cstdint>
#include <string>

#include "components/sdk/schema.h"
#include "tests/fuzz/require.h"

using namespace penstock;
using fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto schema = sdk::ParseSchema(text, "the schema");
  if (!schema) {
    Require(!schema.error().message.empty());
    return 0;
  }
  const auto again = sdk::ParseSchema(sdk::FormatSchema(*schema), "the schema");
  Require(again && *again == *schema);
  Require(sdk::SchemaDigest(*again) == sdk::SchemaDigest(*schema));
  return 0;
}
