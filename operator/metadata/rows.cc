#include "operator/metadata/rows.h"

#include "operator/metadata/packed.h"

namespace penstock::metadata {

void CloseSession::operator()(soci::session* session) const { delete session; }

// SOCI types a column by its declaration, and an expression by what it meets.
long long IntegerOf(const soci::row& row, const std::string& column) {
  switch (row.get_properties(column).get_data_type()) {
    case soci::dt_integer:
      return row.get<int>(column);
    case soci::dt_long_long:
      return row.get<long long>(column);
    case soci::dt_double:
      return static_cast<long long>(row.get<double>(column));
    default:
      return std::stoll(row.get<std::string>(column));
  }
}

std::optional<TimePoint> TimeOf(const soci::row& row, const std::string& column) {
  if (row.get_indicator(column) == soci::i_null) return std::nullopt;
  return TimePoint(Milliseconds(IntegerOf(row, column)));
}

long long MillisecondsOf(TimePoint t) {
  return std::chrono::duration_cast<Milliseconds>(t.time_since_epoch()).count();
}

Json ParseStored(const std::string& text) { return Json::parse(text, nullptr, false); }

RunRecord ToRun(const soci::row& row) {
  RunRecord r;
  r.uid = row.get<std::string>("uid");
  r.namespace_ = row.get<std::string>("namespace");
  r.name = row.get<std::string>("name");
  r.pipeline = row.get<std::string>("pipeline");
  r.revision = row.get<std::string>("revision");
  r.outcome = row.get<std::string>("outcome");
  r.message = row.get<std::string>("message");
  r.parameters = ParseStored(row.get<std::string>("parameters"));
  r.created = TimeOf(row, "created");
  r.started = TimeOf(row, "started");
  r.finished = TimeOf(row, "finished");
  r.phase = row.get<std::string>("phase");
  r.reason = row.get<std::string>("reason");
  r.step = row.get<std::string>("step");
  r.cause = row.get<std::string>("cause");
  r.user = row.get<std::string>("user");
  const Json labels = ParseStored(row.get<std::string>("labels"));
  for (const auto& [name, value] : labels.items())
    if (value.is_string()) r.labels[name] = value.get<std::string>();
  r.counts = ParseCounts(row.get<std::string>("counts"));
  return r;
}

StepRecord ToStep(const soci::row& row) {
  StepRecord s;
  s.name = row.get<std::string>("step");
  s.component = row.get<std::string>("component");
  s.phase = row.get<std::string>("phase");
  s.reason = row.get<std::string>("reason");
  s.attempt = static_cast<int>(IntegerOf(row, "attempt"));
  s.cached = IntegerOf(row, "cached") != 0;
  s.cache_key = row.get<std::string>("cache_key");
  s.pod = row.get<std::string>("pod");
  s.started = TimeOf(row, "started");
  s.finished = TimeOf(row, "finished");
  return s;
}

}  // namespace penstock::metadata
