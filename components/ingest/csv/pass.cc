#include "components/ingest/csv/pass.h"

#include <arrow/api.h>

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "components/ingest/csv/blocks.h"
#include "components/ingest/csv/head.h"
#include "components/ingest/csv/scan.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr unsigned kMostThreads = 16;

struct ParsedBlock {
  Block block;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::vector<Seen> seen;
  std::vector<BadRow> bad;
  Swallowed swallowed;
  std::int64_t lines = 0;
};

// Values that a told type refuses make their rows bad.
Result<bool> DropRefused(Rows& rows, const CsvPlan& plan, std::vector<BuiltColumn>& built) {
  std::vector<std::size_t> drop;
  for (std::size_t c = 0; c < plan.columns.size(); ++c) {
    if (!plan.columns[c].told) continue;
    PENSTOCK_ASSIGN(built[c], BuildColumn(rows, plan.columns[c], plan.rules));
    for (const auto& [row, reason] : built[c].refused) {
      const auto [begin, end] = rows.spans[row];
      rows.bad.push_back({begin, end, int(plan.columns[c].field), reason});
      drop.push_back(row);
    }
  }
  if (drop.empty()) return false;
  std::sort(drop.begin(), drop.end());
  drop.erase(std::unique(drop.begin(), drop.end()), drop.end());
  rows.Drop(drop);
  return true;
}

Result<ParsedBlock> ParseBlock(Block block, const CsvPlan& plan,
                               const std::shared_ptr<arrow::Schema>& schema) {
  Rows rows = SplitRows(block.text(), plan.rules.dialect, plan.names.size());
  CheckBytes(rows);
  std::vector<BuiltColumn> built(plan.columns.size());
  PENSTOCK_ASSIGN(const bool dropped, DropRefused(rows, plan, built));
  ParsedBlock parsed;
  arrow::ArrayVector arrays;
  for (std::size_t c = 0; c < plan.columns.size(); ++c) {
    if (dropped || !plan.columns[c].told) {
      PENSTOCK_ASSIGN(built[c], BuildColumn(rows, plan.columns[c], plan.rules));
    }
    parsed.seen.push_back(built[c].seen);
    arrays.push_back(std::move(built[c].array));
  }
  parsed.batch = arrow::RecordBatch::Make(schema, std::int64_t(rows.spans.size()), arrays);
  parsed.bad = std::move(rows.bad);
  parsed.swallowed = rows.swallowed;
  parsed.lines = CountLines(block.bytes.get(), block.bytes.get() + block.size);
  parsed.block = std::move(block);
  return parsed;
}

class CsvPass {
 public:
  CsvPass(const CsvOptions& options, const CsvPlan& plan, const OnBatch& on_batch,
          const OnBadRow& on_bad_row)
      : options_(options),
        plan_(plan),
        on_batch_(on_batch),
        on_bad_row_(on_bad_row),
        line_(plan.first_line),
        columns_(plan.columns) {
    end_.seen.resize(plan.columns.size());
  }

  // False: the pass is over.
  Result<bool> Take(const ParsedBlock& parsed) {
    for (const BadRow& bad : parsed.bad) {
      PENSTOCK_ASSIGN(const bool goes_on, TakeBad(bad, parsed.block));
      if (!goes_on) return false;
    }
    NoteSwallowed(parsed);
    line_ += parsed.lines;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      end_.seen[c] |= parsed.seen[c];
      columns_[c].seen |= parsed.seen[c];
      const char decimal = plan_.rules.dialect.decimal;
      if (TypeOf(columns_[c], decimal) != plan_.columns[c].type) stale_ = true;
    }
    if (!stale_ && parsed.batch->num_rows() > 0) PENSTOCK_TRY(on_batch_(parsed.batch));
    return true;
  }

  PassEnd End() { return std::move(end_); }

 private:
  Result<bool> TakeBad(const BadRow& bad, const Block& block) {
    const std::string_view raw = block.text().substr(bad.begin, bad.end - bad.begin);
    if (plan_.guess_escape && raw.find("\\\"") != std::string_view::npos &&
        IsRowWithBackslash(block.text().substr(bad.begin))) {
      end_.escape_is_backslash = true;
      return false;
    }
    const auto line = line_ + CountLines(block.bytes.get(), block.bytes.get() + bad.begin);
    std::string reason;
    if (bad.column >= 0) {
      const auto column = std::size_t(bad.column);
      reason = column < plan_.names.size() ? "column '" + plan_.names[column] + "': "
                                           : "column " + std::to_string(column + 1) + ": ";
    }
    reason += bad.reason;
    if (!options_.quarantine) {
      const char* between = bad.column >= 0 ? ", " : ": ";
      return Invalid("CSV line " + std::to_string(line) + between + reason +
                     Shown(raw, bad.column) + FirstDiffers(bad, block.text().substr(bad.begin)));
    }
    ++end_.bad_rows;
    if (on_bad_row_) PENSTOCK_TRY(on_bad_row_(line, reason, raw));
    return true;
  }

  // A row that is bad however its quotes are escaped says nothing of how they are.
  [[nodiscard]] bool IsRowWithBackslash(std::string_view from_here) const {
    Dialect backslash = plan_.rules.dialect;
    backslash.backslash = true;
    const Rows rows = SplitRows(from_here, backslash, plan_.names.size(), 1);
    return rows.bad.empty() && rows.spans.size() == 1;
  }

  void NoteSwallowed(const ParsedBlock& parsed) {
    const Swallowed& found = parsed.swallowed;
    if (found.lines == 0 || !end_.note.empty()) return;
    const char* bytes = parsed.block.bytes.get();
    const auto line = line_ + CountLines(bytes, bytes + found.begin);
    end_.note = "line " + std::to_string(line) + ", column '" +
                plan_.names[std::size_t(found.column)] + "': the quotes hold " +
                std::to_string(found.lines) + " lines that have as many values as a row; if they " +
                "are rows, a quote is missing or too many there";
  }

  // Is it the first line that has another number of values, such as a title's?
  [[nodiscard]] std::string FirstDiffers(const BadRow& bad, std::string_view from_here) const {
    if (bad.column >= 0) return "";
    const Rows rows = SplitRows(from_here, plan_.rules.dialect, 0, 2);
    if (rows.spans.size() < 2 || !rows.bad.empty() || rows.width == plan_.names.size()) return "";
    return "; the row below has " + std::to_string(rows.width) +
           " too: the first line must name each column, with no title or comment above it";
  }

  // The row, where no column says what is meant.
  static std::string Shown(std::string_view raw, int column) {
    if (column >= 0) return "";
    return ": " + std::string(raw.substr(0, std::min<std::size_t>(raw.find_first_of("\r\n"), 80)));
  }

  const CsvOptions& options_;
  const CsvPlan& plan_;
  const OnBatch& on_batch_;
  const OnBadRow& on_bad_row_;
  std::int64_t line_;
  std::vector<CsvColumn> columns_;
  PassEnd end_;
  bool stale_ = false;
};

std::size_t Threads(const CsvOptions& options) {
  const unsigned all = options.threads > 0 ? unsigned(options.threads)
                                           : std::max(1U, std::thread::hardware_concurrency());
  return std::min(all, kMostThreads);
}

std::shared_ptr<arrow::Schema> SchemaOf(const CsvPlan& plan) {
  arrow::FieldVector fields;
  for (const auto& column : plan.columns) {
    fields.push_back(arrow::field(column.name, ArrowType(column.type)));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

Result<PassEnd> RunPass(const OpenStream& open, const CsvOptions& options, const CsvPlan& plan,
                        const OnBatch& on_batch, const OnBadRow& on_bad_row) {
  PENSTOCK_ASSIGN(auto stream, open(plan.rules.dialect.encoding));
  BlockReader blocks(std::move(stream), plan.rules.dialect, plan.names.size() == 1);
  PENSTOCK_TRY(blocks.Skip(plan.skip));
  const auto schema = SchemaOf(plan);
  CsvPass pass(options, plan, on_batch, on_bad_row);
  // Those under way end before what they borrow.
  std::deque<std::future<Result<ParsedBlock>>> under_way;
  for (bool more = true; more || !under_way.empty();) {
    while (more && under_way.size() < Threads(options)) {
      PENSTOCK_ASSIGN(auto block, blocks.Next());
      more = block.has_value();
      if (!more) break;
      under_way.push_back(
          std::async(std::launch::async, [&plan, &schema, b = std::move(*block)]() mutable {
            return ParseBlock(std::move(b), plan, schema);
          }));
    }
    if (under_way.empty()) break;
    PENSTOCK_ASSIGN(const auto parsed, under_way.front().get());
    under_way.pop_front();
    PENSTOCK_ASSIGN(const bool goes_on, pass.Take(parsed));
    if (!goes_on) break;
  }
  return pass.End();
}

}  // namespace penstock::ingest
