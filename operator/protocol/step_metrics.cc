#include "operator/protocol/step_metrics.h"

#include <cmath>

namespace penstock {
namespace {

constexpr std::size_t kMaxSeriesName = 200;

std::optional<double> NumberIn(const Json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number()) return std::nullopt;
  const double value = it->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

constexpr std::int64_t kMostTime = 9'000'000'000'000;  // in 2255; nanoseconds hold it still

// What was read back; Json::exception for what is no such number.
double FiniteOf(const Json& value) {
  const double number = value.get<double>();
  return std::isfinite(number) ? number : 0;
}
std::int64_t TimeOf(const Json& value) {
  const double ms = value.get<double>();
  return ms >= 0 && ms <= static_cast<double>(kMostTime) ? static_cast<std::int64_t>(ms) : 0;
}

std::optional<std::string> NameIn(const Json& object) {
  const auto it = object.find("name");
  if (it == object.end() || !it->is_string()) return std::nullopt;
  std::string name = it->get<std::string>();
  if (name.empty() || name.size() > kMaxSeriesName) return std::nullopt;
  return name;
}

}  // namespace

std::optional<std::int64_t> StepProgress::LeftMs() const {
  const double made = done - first_done;
  const auto took = static_cast<double>(time_ms - first_time_ms);
  if (made <= 0 || took <= 0 || total < done) return std::nullopt;
  const double left = (total - done) * took / made;
  if (left > 3e11) return std::nullopt;  // ten years
  return static_cast<std::int64_t>(left);
}

void StepMetrics::AddPoint(const std::string& name, const StepPoint& point) {
  if (!series_.contains(name) && series_.size() >= kMaxSeries) {
    ++ignored_;
    return;
  }
  Series& series = series_[name];
  if (series.seen++ % series.stride == 0) series.points.push_back(point);
  series.last = point;
  if (series.points.size() <= kMaxSeriesPoints) return;
  std::vector<StepPoint> thinned;
  for (std::size_t i = 0; i < series.points.size(); i += 2) thinned.push_back(series.points[i]);
  series.points = std::move(thinned);
  series.stride *= 2;
}

void StepMetrics::AddLine(std::string_view line, std::int64_t now_ms) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  if (line.empty()) return;
  const auto parsed =
      line.size() > kMaxMetricLine ? Result<Json>(Invalid("too long")) : ParseJson(line, "metric");
  if (!parsed || !parsed->is_object()) {
    ++ignored_;
    return;
  }
  if (const auto told = parsed->find("progress"); told != parsed->end() && told->is_object()) {
    const auto done = NumberIn(*told, "done"), total = NumberIn(*told, "total");
    if (!done || !total || *done < 0 || *total < *done) {
      ++ignored_;
      return;
    }
    const bool begins = !progress_ || *done < progress_->done;
    StepProgress& p = progress_ ? *progress_ : progress_.emplace();
    p.done = *done;
    p.total = *total;
    p.time_ms = now_ms;
    if (begins) {
      p.first_done = *done;
      p.first_time_ms = now_ms;
    }
    return;
  }
  const auto name = NameIn(*parsed);
  const auto value = NumberIn(*parsed, "value");
  if (!name || !value) {
    ++ignored_;
    return;
  }
  const auto series = series_.find(*name);
  const double next = series == series_.end() ? 0 : series->second.last.step + 1;
  AddPoint(*name, {NumberIn(*parsed, "step").value_or(next), *value, now_ms});
}

std::map<std::string, std::vector<StepPoint>> StepMetrics::series() const {
  std::map<std::string, std::vector<StepPoint>> all;
  for (const auto& [name, series] : series_) {
    std::vector<StepPoint>& points = all[name] = series.points;
    if (series.stride > 1 && (series.seen - 1) % series.stride != 0) points.push_back(series.last);
  }
  return all;
}

std::string StepMetrics::Format() const {
  Json text{{"series", Json::array()}, {"ignored", ignored_}};
  for (const auto& [name, points] : series()) {
    Json list = Json::array();
    for (const StepPoint& p : points) list.push_back({p.step, p.value, p.time_ms});
    text["series"].push_back({{"name", name}, {"points", std::move(list)}});
  }
  if (progress_)
    text["progress"] = {{"done", progress_->done},
                        {"total", progress_->total},
                        {"time", progress_->time_ms},
                        {"firstDone", progress_->first_done},
                        {"firstTime", progress_->first_time_ms}};
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Names are sorted, so that the points come last.
std::optional<StepProgress> StepMetrics::ProgressIn(const std::string& text) {
  const auto at = text.find(R"("series":)");
  if (at == std::string::npos) return std::nullopt;
  const auto head = Parse(text.substr(0, at) + R"("series":[]})");
  return head ? head->progress() : std::nullopt;
}

Result<StepMetrics> StepMetrics::Parse(const std::string& text) {
  if (text.size() > kMaxMetricsBytes) return Invalid("metrics are over 8 MiB");
  const auto parsed = ParseJson(text, "metrics");
  if (!parsed) return parsed.error();
  const Error bad = Invalid("these are no metrics of a step: " + text.substr(0, 80));
  StepMetrics metrics;
  try {
    metrics.ignored_ = parsed->value("ignored", std::uint64_t{0});
    for (const Json& entry : parsed->at("series")) {
      const auto name = NameIn(entry);
      if (!name) return bad;
      for (const Json& p : entry.at("points"))
        metrics.AddPoint(*name, {FiniteOf(p.at(0)), FiniteOf(p.at(1)), TimeOf(p.at(2))});
    }
    if (const auto told = parsed->find("progress"); told != parsed->end())
      metrics.progress_ = StepProgress{FiniteOf(told->at("done")), FiniteOf(told->at("total")),
                                       TimeOf(told->at("time")), FiniteOf(told->at("firstDone")),
                                       TimeOf(told->at("firstTime"))};
  } catch (const Json::exception&) {
    return bad;
  }
  return metrics;
}

}  // namespace penstock
