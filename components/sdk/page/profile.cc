// The table of profiles: a row a column, with a small histogram as SVG of fixed size.
#include <algorithm>
#include <cmath>

#include "components/sdk/page/page.h"

namespace penstock::sdk {
namespace {

constexpr double kBarsWidth = 240;
constexpr double kBarsHeight = 64;
constexpr std::size_t kProfileFacts = 12;

std::string Place(double value) { return NumberText(std::round(value * 100) / 100); }

// Each bar says what it is when it is pointed at.
std::string Bars(const std::vector<PageBar>& bars) {
  const std::size_t shown = std::min(bars.size(), kPageBars);
  double most = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    if (std::isfinite(bars[i].value)) most = std::max(most, bars[i].value);
  }
  if (shown == 0 || most <= 0) return "";
  const double step = kBarsWidth / double(shown);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + Place(kBarsWidth) +
                    " " + Place(kBarsHeight) + "\" width=\"" + Place(kBarsWidth) + "\" height=\"" +
                    Place(kBarsHeight) + "\" role=\"img\">";
  for (std::size_t i = 0; i < shown; ++i) {
    const double share = std::isfinite(bars[i].value) ? std::max(0.0, bars[i].value) / most : 0;
    // What is there is seen, however little it is.
    const double height = share > 0 ? std::max(1.0, share * (kBarsHeight - 1)) : 0;
    svg += "<rect x=\"" + Place(step * double(i)) + "\" y=\"" + Place(kBarsHeight - 1 - height) +
           "\" width=\"" + Place(std::max(1.0, step - 1)) + "\" height=\"" + Place(height) +
           "\" fill=\"#6fa3d8\"><title>" + Escaped(bars[i].name) + ": " +
           NumberText(bars[i].value) + "</title></rect>";
  }
  return svg + "<rect x=\"0\" y=\"" + Place(kBarsHeight - 1) + "\" width=\"" + Place(kBarsWidth) +
         "\" height=\"1\" fill=\"#222\"/></svg>";
}

}  // namespace

void Page::Profiles(const std::vector<PageProfile>& profiles) {
  const std::size_t shown = std::min(profiles.size(), kPageRows);
  body_ +=
      "<table>\n<thead><tr><th class=\"t\">column</th><th class=\"t\">values</th>"
      "<th class=\"t\">facts</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const PageProfile& profile = profiles[i];
    body_ += "<tr><td class=\"t\">" + Escaped(profile.name) + "<br><span class=\"n\">" +
             Escaped(profile.about) + "</span></td><td class=\"t\">" + Bars(profile.bars);
    if (!profile.under.empty()) {
      body_ += "<br><span class=\"n\">" + Escaped(profile.under) + "</span>";
    }
    body_ += "</td><td class=\"t\">";
    for (std::size_t f = 0; f < std::min(profile.facts.size(), kProfileFacts); ++f) {
      body_ += (f == 0 ? "" : "<br>") + Escaped(profile.facts[f]);
    }
    body_ += "</td></tr>\n";
  }
  body_ += "</tbody>\n</table>\n";
  if (shown < profiles.size()) {
    body_ += "<p class=\"n\">The first " + std::to_string(shown) + " of " +
             std::to_string(profiles.size()) + " columns.</p>\n";
  }
}

}  // namespace penstock::sdk
