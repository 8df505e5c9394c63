// A CSV: the dialect that is seen, the records, the types. The first byte says what is told.
//
// What is accepted is a sound table of UTF-8, the same whatever the number of threads, and the same
// when it is read again with the dialect that was seen.
#include <arrow/api.h>

#include <cstdint>
#include <memory>
#include <string>

#include "components/ingest/csv/testing/read_text.h"
#include "tests/fuzz/require.h"

using namespace penstock;
using namespace penstock::ingest;
using fuzz::Require;

namespace {

CsvOptions OptionsOf(std::uint8_t told) {
  CsvOptions options = DefaultOptions();
  options.threads = 1;
  options.quarantine = (told & 1) != 0;
  if ((told & 2) != 0) options.dialect.header = (told & 4) != 0;
  if ((told & 8) != 0) options.dialect.delimiter = (told & 16) != 0 ? ';' : ',';
  if ((told & 32) != 0) options.dialect.decimal = ',';
  return options;
}

void CheckSame(const Result<ReadTable>& a, const Result<ReadTable>& b) {
  Require(a.has_value() == b.has_value());
  if (!a) return Require(a.error().message == b.error().message);
  Require(a->table->Equals(*b->table, true) || a->Cells() == b->Cells());  // NaN is no NaN's equal
  Require(a->Types() == b->Types());
  Require(a->bad == b->bad);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  CsvOptions options = OptionsOf(data[0]);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto table = ReadText(text, options);
  options.threads = 3;
  CheckSame(table, ReadText(text, options));
  if (!table) {
    Require(!table.error().message.empty());
    return 0;
  }
  Require(table->table->ValidateFull().ok());
  const Dialect& seen = table->report.dialect;
  options.dialect.delimiter = seen.delimiter;
  options.dialect.quote = seen.quote;
  options.dialect.backslash = seen.backslash;
  options.dialect.header = seen.header;
  options.dialect.decimal = seen.decimal;
  options.dialect.encoding = seen.encoding;
  CheckSame(table, ReadText(text, options));
  return 0;
}
