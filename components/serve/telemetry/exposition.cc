#include "components/serve/telemetry/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace penstock::serve {

std::string Expose(const std::string& name, FamilyType type, const std::string& help,
                   const std::vector<Sample>& samples) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  const bool counter = type == FamilyType::kCounter;
  family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (const Sample& sample : samples) {
    prometheus::ClientMetric metric;
    for (const auto& [label, value] : sample.labels) metric.label.push_back({label, value});
    (counter ? metric.counter.value : metric.gauge.value) = sample.value;
    family.metric.push_back(std::move(metric));
  }
  std::string text = prometheus::TextSerializer().Serialize({family});
  // prometheus-cpp 1.0 writes "Nan", which not every reader takes for the format's "NaN". A value
  // ends its line, and within a label's value no line ends.
  for (std::size_t at = 0; (at = text.find(" Nan\n", at)) != std::string::npos; at += 5) {
    text[at + 3] = 'N';
  }
  return text;
}

}  // namespace penstock::serve
