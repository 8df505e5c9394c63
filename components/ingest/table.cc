#include "components/ingest/table.h"

#include <arrow/api.h>

#include "components/ingest/lake/delta.h"
#include "components/ingest/lake/iceberg.h"
#include "components/ingest/lake/rows.h"
#include "operator/base/try.h"
#include "operator/protocol/table_uri.h"

namespace penstock::ingest {
namespace {

Result<TableState> OpenTable(Place& place, const TableUri& uri, const std::string& metadata) {
  if (uri.format == TableFormat::kDelta)
    return OpenDelta(place, {.version = uri.number, .table = uri.table});
  return OpenIceberg(place, {.metadata = metadata, .snapshot = uri.number});
}

}  // namespace

Result<TableState> ReadTableInto(const std::string& uri, const std::filesystem::path& scratch,
                                 std::uint64_t max_bytes, const Wishes& wishes, Sink& sink) {
  PENSTOCK_ASSIGN(const TableUri parsed, ParseTableUri(uri));
  std::string folder = parsed.place;
  const std::string metadata =
      parsed.format == TableFormat::kIceberg ? MetadataOf(folder) : std::string();
  PENSTOCK_ASSIGN(const auto place, Place::Open(folder, scratch, max_bytes));
  PENSTOCK_ASSIGN(TableState state, OpenTable(*place, parsed, metadata));
  PENSTOCK_ASSIGN(auto plan,
                  Unite({{.name = "the table", .schema = SchemaOfTable(state)}}, wishes));
  PENSTOCK_TRY(sink.Begin(std::move(plan)));
  std::set<std::string> wanted;
  for (const auto& field : sink.plan().target->fields()) wanted.insert(field->name());
  for (const auto& file : state.files) {
    sink.BeginPart();
    PENSTOCK_TRY(ReadTableFile(*place, state, file, wanted,
                               [&](const auto& batch) { return sink.Write(batch); }));
  }
  return state;
}

}  // namespace penstock::ingest
