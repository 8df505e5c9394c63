#include "operator/cli/objects/table.h"

#include <algorithm>
#include <cstdio>

namespace penstock::cli {
namespace {

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string OneDecimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 9.95 ? "%.1f" : "%.0f", value);
  return text;
}

std::vector<std::size_t> Widths(const Table& table, bool header) {
  std::vector<std::size_t> widths(table.header.size(), 0);
  const auto widen = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Columns(row[i]));
    }
  };
  if (header) widen(table.header);
  for (const auto& row : table.rows) widen(row);
  return widths;
}

}  // namespace

std::size_t Columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !Continues(c); }));
}

std::string Elide(const std::string& text, std::size_t width) {
  if (Columns(text) <= width || width == 0) return text;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (Continues(text[i])) continue;
    if (seen++ == width - 1) return text.substr(0, i) + "…";
  }
  return text;
}

std::string OneLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "; ";
    } else if (byte >= 0x20 && byte != 0x7f) {
      line += c;
    } else {
      line += ' ';
    }
  }
  line.erase(line.find_last_not_of("; ") + 1);
  return line;
}

std::string Format(const Table& table, std::size_t width, bool header) {
  const std::vector<std::size_t> widths = Widths(table, header);
  std::size_t total = 0;
  for (const std::size_t w : widths) total += w;
  std::size_t gap = 3;
  while (gap > 1 && total + gap * (widths.size() - 1) > width) --gap;
  std::string text;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string cell = i < row.size() ? row[i] : "";
      out += cell + std::string(widths[i] - Columns(cell) + gap, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  };
  if (header) line(table.header);
  for (const auto& row : table.rows) line(row);
  return text;
}

std::string HumanDuration(std::chrono::milliseconds d) {
  const std::int64_t s = std::max<std::int64_t>(0, d.count() / 1000);
  const std::int64_t m = s / 60, h = m / 60, days = h / 24;
  const auto two = [](std::int64_t a, char unit_a, std::int64_t b, char unit_b) {
    std::string text = std::to_string(a) + unit_a;
    if (b != 0) text += std::to_string(b) + unit_b;
    return text;
  };
  if (s < 120) return std::to_string(s) + "s";
  if (m < 10) return two(m, 'm', s % 60, 's');
  if (m < 180) return std::to_string(m) + "m";
  if (h < 8) return two(h, 'h', m % 60, 'm');
  if (h < 48) return std::to_string(h) + "h";
  if (days < 8) return two(days, 'd', h % 24, 'h');
  if (days < 2 * 365) return std::to_string(days) + "d";
  return two(days / 365, 'y', days % 365, 'd');
}

std::string ShortDuration(std::chrono::milliseconds d) {
  const std::int64_t ms = std::max<std::int64_t>(0, d.count());
  if (ms < 60'000) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1fs", static_cast<double>(ms) / 1000.0);
    return text;
  }
  const std::int64_t s = ms / 1000;
  if (s < 3600) return std::to_string(s / 60) + "m" + std::to_string(s % 60) + "s";
  return std::to_string(s / 3600) + "h" + std::to_string(s % 3600 / 60) + "m";
}

std::string HumanBytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {" kB", " MB", " GB", " TB", " PB", " EB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return OneDecimal(value) + kUnits[unit];
}

}  // namespace penstock::cli
