#include "components/ingest/csv/quarantine.h"

#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::ingest {

Result<std::string> QuarantineFolder(const sdk::Step& step, const CsvOptions& options) {
  if (!step.HasOutput("quarantine")) {
    if (!options.quarantine) return std::string();
    return Invalid("parameter onBadRow: Quarantine needs the output quarantine");
  }
  return step.OutputPath("quarantine");
}

Result<void> WriteNoCsvResults(const sdk::Step& step) {
  PENSTOCK_TRY(step.WriteResult("dialect", Json::object()));
  PENSTOCK_TRY(step.WriteResult("badRows", 0));
  return step.WriteResult("emptyColumns", Json::array());
}

Result<void> WriteCsvResults(const CsvReport& report, const sdk::Step& step) {
  PENSTOCK_TRY(step.WriteResult("dialect", DialectJson(report.dialect)));
  PENSTOCK_TRY(step.WriteResult("badRows", report.bad_rows));
  return step.WriteResult("emptyColumns", report.empty_columns);
}

}  // namespace penstock::ingest
