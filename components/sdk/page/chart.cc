// The charts of a page, as SVG of fixed size with presentation attributes only: a policy that
// forbids scripts and styles leaves them as they are.
#include <algorithm>
#include <array>
#include <cmath>

#include "components/sdk/page/page.h"

namespace penstock::sdk {
namespace {

using Span = std::pair<double, double>;
using Point = std::pair<double, double>;

constexpr double kWidth = 640;
constexpr double kHeight = 400;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kTop = 15;
constexpr double kBottom = 50;

// Told apart by colour and by dashes, so that a print without colours shows which is which.
constexpr std::array<const char*, 6> kColours = {"#0b5cad", "#c4501b", "#2c7a2c",
                                                 "#8a3ab9", "#7a6a00", "#333333"};
constexpr std::array<const char*, 2> kDashes = {"", " stroke-dasharray=\"6 3\""};

std::string Colour(std::size_t i) { return kColours[i % kColours.size()]; }
std::string Dashes(std::size_t i) { return kDashes[i / kColours.size() % kDashes.size()]; }

// A coordinate: a hundredth of a pixel is enough.
std::string At(double value) { return NumberText(std::round(value * 100) / 100); }

Span SpanOf(const std::vector<double>& values, const std::optional<Span>& given) {
  if (given && given->second > given->first) return *given;
  if (values.empty()) return {0, 1};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low < *high && std::isfinite(*high - *low)) return {*low, *high};
  if (*low < *high) return {*low / 4, *high / 4};  // beyond what a difference can hold
  const double half = std::max(std::abs(*low) / 2, 0.5);
  return {*low - half, *low + half};
}

// Round numbers within the span, about five.
std::vector<double> Ticks(const Span& span) {
  const double raw = (span.second - span.first) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  if (!(step > 0) || !std::isfinite(step)) return ticks;
  const double first = std::ceil(span.first / step - 1e-9);
  for (int k = 0; k < 12; ++k) {
    const double tick = (first + k) * step;
    if (!(tick <= span.second + 1e-9 * step)) break;
    ticks.push_back(tick);
  }
  return ticks;
}

// Where a value is drawn.
struct Scale {
  Span from;
  Span to;
  [[nodiscard]] double operator()(double value) const {
    const double share = (value - from.first) / (from.second - from.first);
    return to.first + std::clamp(share, 0.0, 1.0) * (to.second - to.first);
  }
};

std::string Line(double x1, double y1, double x2, double y2, const std::string& colour,
                 const std::string& more = "") {
  return "<line x1=\"" + At(x1) + "\" y1=\"" + At(y1) + "\" x2=\"" + At(x2) + "\" y2=\"" + At(y2) +
         "\" stroke=\"" + colour + "\"" + more + "/>\n";
}

std::string Words(double x, double y, const char* anchor, std::string_view text,
                  std::size_t most = 40) {
  return "<text x=\"" + At(x) + "\" y=\"" + At(y) + "\" text-anchor=\"" + anchor + "\">" +
         Escaped(text, most) + "</text>\n";
}

std::string Svg(double height, const std::string& title, const std::string& content) {
  return "<figure>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + At(kWidth) + " " +
         At(height) + "\" width=\"" + At(kWidth) + "\" height=\"" + At(height) +
         "\" role=\"img\"><title>" + Escaped(title) + "</title>\n" + content + "</svg>\n";
}

std::string Caption(const std::string& title, const std::vector<std::string>& notes) {
  std::string text = "<figcaption>" + Escaped(title);
  for (const auto& note : notes) text += "<br><span class=\"n\">" + Escaped(note) + "</span>";
  return text + "</figcaption>\n</figure>\n";
}

std::string Axes(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double tick : Ticks(x.from)) {
    svg += Line(x(tick), kTop, x(tick), kHeight - kBottom, "#ddd");
    svg += Words(x(tick), kHeight - kBottom + 16, "middle", NumberText(tick));
  }
  for (const double tick : Ticks(y.from)) {
    svg += Line(kLeft, y(tick), kWidth - kRight, y(tick), "#ddd");
    svg += Words(kLeft - 6, y(tick) + 4, "end", NumberText(tick));
  }
  svg += Line(kLeft, kTop, kLeft, kHeight - kBottom, "#222");
  svg += Line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#222");
  svg += Words((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", chart.x, 80);
  svg += "<text transform=\"translate(16 " + At((kTop + kHeight - kBottom) / 2) +
         ") rotate(-90)\" text-anchor=\"middle\">" + Escaped(chart.y, 60) + "</text>\n";
  return svg;
}

std::vector<Point> FiniteOf(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (const Point& p : points) {
    if (std::isfinite(p.first) && std::isfinite(p.second)) kept.push_back(p);
  }
  return kept;
}

// At most kPagePoints: of each run of points its lowest and its highest, and both ends.
std::vector<Point> Thinned(const std::vector<Point>& points) {
  if (points.size() <= kPagePoints) return points;
  const std::size_t runs = kPagePoints / 2 - 1;
  std::vector<Point> kept = {points.front()};
  const std::size_t inner = points.size() - 2;
  for (std::size_t run = 0; run < runs; ++run) {
    const auto begin = points.begin() + 1 + long(run * inner / runs);
    const auto end = points.begin() + 1 + long((run + 1) * inner / runs);
    auto [low, high] = std::minmax_element(
        begin, end, [](const Point& a, const Point& b) { return a.second < b.second; });
    kept.push_back(*std::min(low, high));
    if (low != high) kept.push_back(*std::max(low, high));
  }
  kept.push_back(points.back());
  return kept;
}

std::string Polyline(const std::vector<Point>& points, const Scale& x, const Scale& y,
                     std::size_t number) {
  std::string path;
  for (const Point& p : points) {
    path += (path.empty() ? "" : " ") + At(x(p.first)) + "," + At(y(p.second));
  }
  if (points.size() == 1) {
    return "<circle cx=\"" + At(x(points[0].first)) + "\" cy=\"" + At(y(points[0].second)) +
           "\" r=\"3\" fill=\"" + Colour(number) + "\"/>\n";
  }
  return "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + Colour(number) + "\"" +
         Dashes(number) + " points=\"" + path + "\"/>\n";
}

std::string Key(std::size_t number, const std::string& name) {
  const double y = kTop + 14 + 16 * double(number);
  return Line(kWidth - 200, y - 4, kWidth - 176, y - 4, Colour(number), Dashes(number)) +
         Words(kWidth - 170, y, "start", name, 24);
}

}  // namespace

void Page::Chart(const LineChart& chart) {
  const std::size_t shown = std::min(chart.series.size(), kPageSeries);
  std::vector<std::string> notes;
  std::vector<std::vector<Point>> lines;
  std::vector<double> xs, ys;
  for (std::size_t i = 0; i < shown; ++i) {
    const PageSeries& series = chart.series[i];
    const auto finite = FiniteOf(series.points);
    lines.push_back(Thinned(finite));
    const std::string of = shown > 1 ? " of " + series.name : "";
    if (const auto left_out = series.points.size() - finite.size(); left_out > 0) {
      notes.push_back(std::to_string(left_out) + " points" + of + " are no numbers and left out.");
    }
    if (lines.back().size() < finite.size()) {
      notes.push_back(std::to_string(finite.size()) + " points" + of + ", drawn as " +
                      std::to_string(lines.back().size()) + ".");
    }
    for (const Point& p : lines.back()) {
      xs.push_back(p.first);
      ys.push_back(p.second);
    }
  }
  if (shown < chart.series.size()) {
    notes.push_back("The first " + std::to_string(shown) + " of " +
                    std::to_string(chart.series.size()) + " lines.");
  }
  if (xs.empty()) notes.emplace_back("There are no points.");
  const Scale x = {SpanOf(xs, chart.x_range), {kLeft, kWidth - kRight}};
  const Scale y = {SpanOf(ys, chart.y_range), {kHeight - kBottom, kTop}};
  std::string svg = Axes(chart, x, y);
  if (chart.diagonal) {
    const double low = std::max(x.from.first, y.from.first);
    const double high = std::min(x.from.second, y.from.second);
    if (low < high) svg += Line(x(low), y(low), x(high), y(high), "#999");
  }
  for (std::size_t i = 0; i < shown; ++i) {
    if (!lines[i].empty()) svg += Polyline(lines[i], x, y, i);
    if (shown > 1) svg += Key(i, chart.series[i].name);
  }
  body_ += Svg(kHeight, chart.title, svg) + Caption(chart.title, notes);
}

void Page::Chart(const BarChart& chart) {
  constexpr double kStep = 20;
  constexpr double kNames = 220;
  const std::size_t shown = std::min(chart.bars.size(), kPageBars);
  std::vector<std::string> notes;
  std::vector<double> ends = {0};
  for (std::size_t i = 0; i < shown; ++i) {
    const PageBar& bar = chart.bars[i];
    if (std::isfinite(bar.value)) ends.push_back(bar.value);
    if (!bar.interval) continue;
    for (const double end : {bar.interval->first, bar.interval->second}) {
      if (std::isfinite(end)) ends.push_back(end);
    }
  }
  if (shown < chart.bars.size()) {
    notes.push_back("The first " + std::to_string(shown) + " of " +
                    std::to_string(chart.bars.size()) + ".");
  }
  const double height = kTop + kStep * double(std::max<std::size_t>(shown, 1)) + kBottom;
  const double floor = height - kBottom;
  const Scale x = {SpanOf(ends, std::nullopt), {kNames, kWidth - kRight - 60}};
  std::string svg;
  for (const double tick : Ticks(x.from)) {
    svg += Line(x(tick), kTop, x(tick), floor, tick == 0 ? "#222" : "#ddd");
    svg += Words(x(tick), floor + 16, "middle", NumberText(tick));
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const PageBar& bar = chart.bars[i];
    const double y = kTop + kStep * double(i);
    svg += Words(kNames - 6, y + 14, "end", bar.name, 28);
    svg += Words(kWidth - 4, y + 14, "end", NumberText(bar.value));
    if (!std::isfinite(bar.value)) continue;
    const double from = std::min(x(0), x(bar.value));
    svg += "<rect x=\"" + At(from) + "\" y=\"" + At(y + 3) + "\" width=\"" +
           At(std::max(x(0), x(bar.value)) - from) + "\" height=\"14\" fill=\"#6fa3d8\"/>\n";
    if (bar.interval && std::isfinite(bar.interval->first) && std::isfinite(bar.interval->second)) {
      svg += Line(x(bar.interval->first), y + 10, x(bar.interval->second), y + 10, "#222");
    }
  }
  svg += Words((kNames + kWidth - kRight - 60) / 2, height - 12, "middle", chart.x, 80);
  body_ += Svg(height, chart.title, svg) + Caption(chart.title, notes);
}

}  // namespace penstock::sdk
