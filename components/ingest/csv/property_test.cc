// Properties of the whole reader, on random tables. The seeds are fixed: a failure comes again.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "components/ingest/csv/testing/read_text.h"

namespace penstock::ingest {
namespace {

using Random = std::mt19937;
using Row = std::vector<std::string>;

const std::string& Pick(Random& random, const std::vector<std::string>& of) {
  return of[random() % of.size()];
}

// Columns that have a type each, with one value in some of them that another type holds.
std::vector<Row> RandomValues(Random& random, std::size_t rows, std::size_t columns) {
  const std::vector<std::vector<std::string>> kinds = {
      {"1", "-20", "3000000000", "NA", " 7"},
      {"1.5", "2", "-0.25", "1e5", ""},
      {"true", "False", "\"\""},
      {"2024-01-05", "1999-12-31", "9999-12-31"},
      {"2024-01-05 10:00:00", "2024-01-05T10:00:00.25", "2024-01-05"},
      {"2024-01-05T10:00:00Z", "2024-01-05T10:00:00+09:00"},
      {"", "NA"},
      {"x", "\"a,b\"", "\"c\"\"d\"", "\"two\nlines\"", "도시"}};
  const std::vector<std::string> strays = {"1",    "1.5", "02138", "9007199254740993",  "true",
                                           "x",    "NA",  "\"\"",  "2024-01-05",        "inf",
                                           "+1.5", "7 ",  "0x1F",  "2024-01-05T10:00Z", "1e400",
                                           "-0",   " NA "};
  std::vector<Row> table(rows, Row(columns));
  for (std::size_t c = 0; c < columns; ++c) {
    const auto& kind = kinds[random() % kinds.size()];
    for (auto& row : table) row[c] = Pick(random, kind);
    if (random() % 2 == 0) table[random() % rows][c] = Pick(random, strays);
  }
  return table;
}

std::string TextOf(const std::vector<Row>& rows, std::size_t repeat = 1) {
  std::string text, all;
  for (const Row& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) text += (c == 0 ? "" : ",") + row[c];
    text += "\n";
  }
  for (std::size_t c = 0; c < rows.front().size(); ++c) {
    all += (c == 0 ? "c" : ",c") + std::to_string(c);
  }
  all += "\n";
  for (std::size_t i = 0; i < repeat; ++i) all += text;
  return all;
}

TEST(CsvProperties, TypesDependOnNoOrderRepetitionOrThread) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed);
    auto rows = RandomValues(random, 12, 6);
    const std::string types = TypesOf(TextOf(rows));
    for (int i = 0; i < 3; ++i) {
      std::shuffle(rows.begin(), rows.end(), random);
      ASSERT_EQ(TypesOf(TextOf(rows)), types) << seed << "\n" << TextOf(rows);
    }
    CsvOptions options = DefaultOptions();
    options.threads = 1 + int(seed % 5);
    if (seed % 6 == 0) {
      ASSERT_EQ(TypesOf(TextOf(rows, 4000), options), types) << seed << "\n" << TextOf(rows);
    }
  }
}

TEST(CsvProperties, ARowFarBehindCountsAsMuchAsTheFirst) {
  for (const char* value :
       {"1.5", "true", "True", "x", "+1.5", "7 ", "0x1F", "2024-01-05", "NA", "02138",
        "9007199254740993", "9999-12-31 00:00:00.000", "\"\"", "inf"}) {
    for (const char* others : {"1", "2.5", "true", "2024-01-05", "2024-01-05 10:00:00", ""}) {
      std::string many;
      for (int i = 0; i < 60'000; ++i) many += std::string(others) + ",filler of a row\n";
      const std::string one = std::string(value) + ",filler of a row\n";
      ASSERT_EQ(TypesOf("a,b\n" + many + one), TypesOf("a,b\n" + one + others + ",x\n"))
          << value << " behind " << others;
    }
  }
}

// A file cut into parts: each part's values are those of the whole, or its type is a narrower one.
TEST(CsvProperties, ToldTheTypesOfTheWholeAPartReadsAsItsRows) {
  for (unsigned seed = 100; seed < 130; ++seed) {
    Random random(seed);
    const auto rows = RandomValues(random, 12, 4);
    const auto whole = ReadText(TextOf(rows));
    ASSERT_TRUE(whole) << whole.error().message;
    CsvOptions options = DefaultOptions();
    for (const auto& field : whole->table->schema()->fields()) {
      const auto id = field->type()->id();
      options.types[field->name()] = id == arrow::Type::INT64    ? sdk::ColumnType::kInt64
                                     : id == arrow::Type::DOUBLE ? sdk::ColumnType::kFloat64
                                     : id == arrow::Type::BOOL   ? sdk::ColumnType::kBool
                                     : id == arrow::Type::STRING ? sdk::ColumnType::kString
                                                                 : sdk::ColumnType::kTimestamp;
    }
    const auto told = ReadText(TextOf(rows), options);
    ASSERT_TRUE(told) << seed << told.error().message;
    std::string cells;
    for (std::size_t at = 0; at < rows.size(); at += 4) {
      const auto part =
          ReadText(TextOf({rows.begin() + long(at), rows.begin() + long(at) + 4}), options);
      ASSERT_TRUE(part) << seed << part.error().message;
      cells += (at == 0 ? "" : ";") + part->Cells();
    }
    ASSERT_EQ(cells, told->Cells()) << seed << "\n" << TextOf(rows);
  }
}

// Writes a value so that the dialect gives it back.
std::string Written(Random& random, const std::string& value, const Dialect& dialect, bool always) {
  const bool needs =
      value.find_first_of(std::string("\n\r\"'") + dialect.delimiter) != std::string::npos ||
      value.empty() || value == "NA";
  if (!needs && !always && random() % 4 != 0) return value;
  std::string out(1, dialect.quote);
  for (const char c : value) {
    if (c == dialect.quote) out += dialect.backslash ? '\\' : dialect.quote;
    if (c == '\\' && dialect.backslash) out += '\\';
    out += c;
  }
  return out + dialect.quote;
}

TEST(CsvProperties, EveryDialectGivesBackWhatWasWritten) {
  const std::vector<std::string> texts = {
      "x",           "a b",  "a,b",      "c;d", "t\tu",       "p|q",
      "say \"hi\"",  "it's", "NA",       "",    "two\nlines", "two\r\nlines",
      "back\\slash", "도시", " padded ", "\"",  "''",         "ends\\"};
  for (unsigned seed = 0; seed < 400; ++seed) {
    Random random(seed);
    Dialect dialect;
    dialect.delimiter = ",;\t|"[random() % 4];
    dialect.quote = random() % 2 == 0 ? '"' : '\'';
    dialect.backslash = random() % 2 == 0;
    const bool always = random() % 2 == 0, crlf = random() % 2 == 0, mark = random() % 4 == 0;
    const std::size_t columns = 1 + random() % 5, rows = 1 + random() % 20;
    const std::string end = crlf ? "\r\n" : "\n";
    std::string text = mark ? "\xEF\xBB\xBF" : "", cells;
    for (std::size_t c = 0; c < columns; ++c) {
      text += (c == 0 ? "" : std::string(1, dialect.delimiter)) + "c" + std::to_string(c);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      text += end;
      cells += r == 0 ? "" : ";";
      for (std::size_t c = 0; c < columns; ++c) {
        std::string value = Pick(random, texts);
        const bool null = random() % 6 == 0 && columns > 1;
        // The first record of each column is text, so that all of them are.
        if (r == 0) value = "text";
        if (c > 0) text += dialect.delimiter, cells += "|";
        text += null && r > 0 ? "NA" : Written(random, value, dialect, always);
        cells += null && r > 0 ? "null" : value;
      }
    }
    if (random() % 2 == 0) text += end;
    CsvOptions options = DefaultOptions();
    options.dialect.delimiter = dialect.delimiter;
    options.dialect.quote = dialect.quote;
    options.dialect.backslash = dialect.backslash;
    const auto told = ReadText(text, options);
    ASSERT_TRUE(told) << seed << ": " << told.error().message << "\n" << text;
    ASSERT_EQ(told->Cells(), cells) << seed << "\n" << text;
    // Seen instead of told: the same, or refused, or another dialect that is said.
    const auto seen = ReadText(text);
    if (!seen) continue;
    const Dialect& said = seen->report.dialect;
    const bool same = said.delimiter == dialect.delimiter && said.quote == dialect.quote &&
                      said.backslash == dialect.backslash;
    if (!same) continue;
    ASSERT_EQ(seen->Cells(), cells) << seed << "\n" << text;
  }
}

}  // namespace
}  // namespace penstock::ingest
