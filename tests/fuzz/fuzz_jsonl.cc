// JSON Lines: what is accepted is a sound table of UTF-8 with the schema that was told first.
#include <arrow/api.h>
#include <arrow/io/memory.h>

#include <cstdint>
#include <memory>
#include <string>

#include "components/ingest/parts/part.h"
#include "tests/fuzz/require.h"

using namespace penstock;
using fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes =
      arrow::Buffer::FromString(std::string(reinterpret_cast<const char*>(data), size));
  const ingest::OpenBytes open = [&]() -> Result<std::shared_ptr<arrow::io::InputStream>> {
    return std::static_pointer_cast<arrow::io::InputStream>(
        std::make_shared<arrow::io::BufferReader>(bytes));
  };
  auto part = ingest::OpenJsonl(open, {"text"});
  if (!part) {
    Require(!part.error().message.empty());
    return 0;
  }
  const auto schema = (*part)->schema();
  if (auto chosen = (*part)->Choose(schema->field_names()); !chosen) {
    Require(!chosen.error().message.empty());  // a column without one type
    return 0;
  }
  for (;;) {
    auto batch = (*part)->Next();
    if (!batch) {
      Require(!batch.error().message.empty());
      return 0;
    }
    if (*batch == nullptr) return 0;
    Require((*batch)->schema()->Equals(*schema));
    Require((*batch)->ValidateFull().ok());
  }
}
