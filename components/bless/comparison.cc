#include "components/bless/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "components/sdk/cells.h"
#include "components/sdk/delong.h"
#include "components/sdk/metrics.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;

sdk::Metric MetricOf(const Scored& scored, const std::string& metric) {
  const auto all = sdk::Measure(scored.manifest, scored.View());
  return all.at(metric);
}

std::string Shown(const std::vector<Json>& classes) {
  constexpr std::size_t kMost = 10;
  std::string text;
  for (std::size_t i = 0; i < classes.size() && i < kMost; ++i) {
    text += (i > 0 ? ", " : "") + sdk::ShownClass(classes[i]);
  }
  return text + (classes.size() > kMost ? ", ... (" + std::to_string(classes.size()) + ")" : "");
}

std::span<const float> RowOf(const Scored& s, std::size_t row) {
  const std::size_t width = s.manifest.RawWidth();
  return std::span<const float>(s.raw).subspan(row * width, width);
}

// What a row costs; the metric is its mean, or the root of it (rmse). Empty for another metric.
std::function<double(std::size_t)> LossOf(const Scored& s, const std::string& metric) {
  if (metric == "accuracy") {
    return [&s](std::size_t r) {
      return sdk::DecidedClass(s.manifest, RowOf(s, r)) == std::size_t(s.labels[r]) ? 0.0 : 1.0;
    };
  }
  if (metric == "logLoss") {
    return [&s](std::size_t r) { return sdk::RowLogLoss(RowOf(s, r), s.labels[r]); };
  }
  const auto error = [&s](std::size_t r) {
    return double(s.raw[r]) - (s.exact.empty() ? double(s.labels[r]) : s.exact[r]);
  };
  if (metric == "mae") return [error](std::size_t r) { return std::abs(error(r)); };
  if (metric == "brier" && s.manifest.RawWidth() > 1) {
    return [&s](std::size_t r) {
      double sum = 0;
      for (std::size_t c = 0; c < RowOf(s, r).size(); ++c) {
        const double off = double(RowOf(s, r)[c]) - (c == std::size_t(s.labels[r]) ? 1 : 0);
        sum += off * off;
      }
      return sum;
    };
  }
  if (metric == "brier" || metric == "rmse") {
    return [error](std::size_t r) { return error(r) * error(r); };
  }
  return {};
}

// Of the mean of the rows' differences, each weighted: what a row adds to the metric.
double StandardError(const std::function<double(std::size_t)>& ours, double our_weight,
                     const std::function<double(std::size_t)>& theirs, double their_weight,
                     std::size_t rows) {
  const auto of = [&](std::size_t r) { return their_weight * theirs(r) - our_weight * ours(r); };
  double mean = 0;
  for (std::size_t r = 0; r < rows; ++r) mean += of(r) / double(rows);
  double squares = 0;
  for (std::size_t r = 0; r < rows; ++r) squares += (of(r) - mean) * (of(r) - mean);
  return std::sqrt(squares / double(rows - 1) / double(rows));
}

void AddAucBound(const Scored& ours, const Scored& theirs, double confidence, Comparison* c) {
  std::vector<std::uint8_t> positive;
  for (const float y : ours.labels) positive.push_back(y > 0.5F ? 1 : 0);
  const auto positives = std::count(positive.begin(), positive.end(), 1);
  if (positives < 2 || std::int64_t(positive.size()) - positives < 2) {
    c->why_no_bound =
        "there is one row of class " + sdk::ShownClass(ours.manifest.classes[positives < 2]);
    return;
  }
  c->low = c->difference - sdk::NormalQuantile(confidence) *
                               sdk::CompareAucs(ours.raw, theirs.raw, positive).standard_error;
}

}  // namespace

std::string WhyIncomparable(const Scored& ours, const Scored& theirs, const std::string& metric) {
  const auto& a = ours.manifest;
  const auto& b = theirs.manifest;
  if (a.label != b.label) return "its label is '" + b.label + "', this one's '" + a.label + "'";
  if (a.task != b.task) {
    return std::string("it does ") + Name(b.task) + ", this one " + Name(a.task);
  }
  if (a.classes != b.classes) {
    return "its classes are " + Shown(b.classes) + ", this one's " + Shown(a.classes);
  }
  if (const auto m = MetricOf(ours, metric); !m.defined()) {
    return metric + " is not defined for this one, as " + m.why;
  }
  if (const auto m = MetricOf(theirs, metric); !m.defined()) {
    return metric + " is not defined for it, as " + m.why;
  }
  return "";
}

Comparison Compare(const Scored& ours, const Scored& theirs, const std::string& metric,
                   double confidence) {
  Comparison c;
  c.ours = MetricOf(ours, metric).value;
  c.theirs = MetricOf(theirs, metric).value;
  switch (sdk::DirectionOf(metric)) {
    case sdk::Direction::kLess:
      c.difference = c.theirs - c.ours;
      break;
    case sdk::Direction::kNearZero:
      c.difference = std::abs(c.theirs) - std::abs(c.ours);
      break;
    default:
      c.difference = c.ours - c.theirs;
  }
  if (metric == "auc") {
    AddAucBound(ours, theirs, confidence, &c);
    return c;
  }
  const auto our_loss = LossOf(ours, metric);
  const auto their_loss = LossOf(theirs, metric);
  if (!our_loss) {
    c.why_no_bound = "there is none for " + metric;
  } else if (ours.labels.size() < 2) {
    c.why_no_bound = "there is one row";
  } else {
    // The root's slope at the mean; at 0 every row is 0.
    const auto slope = [&](double rmse) {
      return metric != "rmse" ? 1 : rmse > 0 ? 1 / (2 * rmse) : 0;
    };
    // Of few rows the error itself is a guess, and the normal's quantile too small.
    const std::size_t rows = ours.labels.size();
    c.low = c.difference -
            sdk::StudentQuantile(confidence, rows - 1) *
                StandardError(our_loss, slope(c.ours), their_loss, slope(c.theirs), rows);
  }
  return c;
}

}  // namespace penstock::bless
