#include "operator/fetch/spans.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::fetch {
namespace {

constexpr std::size_t kMostShown = 10;  // gaps in an error

class Lister {
 public:
  Lister(SourceStore& store, const SpanUri& uri, const SourceSettings& settings)
      : store_(store), uri_(uri), settings_(settings) {}

  Result<std::vector<SpanObjects>> List(const std::vector<SpanTime>& spans,
                                        const ZoneOffsets& clock) {
    std::map<SpanTime, std::size_t> places;
    std::vector<SpanObjects> out;
    for (const SpanTime span : spans) {
      places[span] = out.size();
      out.push_back({SpanName(uri_, span), {}, BeginOf(span, clock)});
    }
    // Of keys whose date stands behind a *, and of a store that lists folders, several spans have
    // one prefix. None is within another, as all are of one form: no object is listed twice.
    std::set<std::string> prefixes;
    for (const SpanTime span : spans) prefixes.insert(store_.ListedBy(SpanPrefix(uri_, span)));
    const auto take = [&](SourceObject object) -> Result<void> {
      const auto span = SpanOfKey(uri_, object.key);
      const auto place = span ? places.find(*span) : places.end();
      if (place == places.end()) return {};
      if (settings_.flat && object.key.find("/_delta_log/") != std::string::npos)
        return Invalid(store_.Name(object.key) + ": is of a Delta table, some of whose files may " +
                       "hold rows of its past: read such a table by delta+");
      if (settings_.flat && IsHiddenKey(uri_, object.key)) return {};
      ++found_;
      out[place->second].objects.push_back(std::move(object));
      return {};
    };
    for (const auto& prefix : prefixes) PENSTOCK_TRY(ListOne(prefix, take));
    for (auto& span : out)
      std::sort(span.objects.begin(), span.objects.end(),
                [](const auto& a, const auto& b) { return a.key < b.key; });
    return out;
  }

 private:
  template <typename Take>
  Result<void> ListOne(const std::string& prefix, const Take& take) {
    std::string token;
    do {
      if (asked_++ > 0 && std::chrono::steady_clock::now() > end_)
        return Transient(store_.Name(prefix) + ": the lists have no end within " +
                         FormatDuration(settings_.list_deadline));
      auto page = ListPage(store_, prefix, token, settings_);
      // A folder that is not there has no object; a bucket that is not there is Invalid.
      if (!page && page.error().kind == ErrorKind::kNotFound) return {};
      if (!page) return page.error();
      if (page->objects.size() > kMostObjects) return TooMany(prefix);
      for (auto& object : page->objects) PENSTOCK_TRY(take(std::move(object)));
      if (found_ > kMostObjects) return TooMany(prefix);
      token = page->next;
    } while (!token.empty());
    return {};
  }

  [[nodiscard]] Error TooMany(const std::string& prefix) const {
    return Invalid(store_.Name(prefix) + ": more than " + std::to_string(kMostObjects) +
                   " objects; make the window smaller, or name more of the key");
  }

  SourceStore& store_;
  const SpanUri& uri_;
  const SourceSettings& settings_;
  const std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + settings_.list_deadline;
  std::size_t asked_ = 0;  // pages
  std::size_t found_ = 0;
};

Result<void> CheckGaps(const SourceStore& store, const SpanUri& uri,
                       const std::vector<SpanTime>& times, const std::vector<SpanObjects>& spans) {
  std::string names;
  std::size_t gaps = 0;
  std::string first;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (!spans[i].objects.empty()) continue;
    if (gaps++ < kMostShown) names += (names.empty() ? "" : ", ") + spans[i].name;
    if (first.empty()) first = store.Name(SpanPrefix(uri, times[i]));
  }
  const std::string window = spans.front().name + " to " + spans.back().name;
  if (gaps == spans.size())
    return NotFound(first + ": no span of the window, " + window + ", has an object");
  if (gaps == 0 || uri.gaps) return {};
  if (gaps > kMostShown) names += ", ...";
  return NotFound(first + ": " + std::to_string(gaps) + " of the " + std::to_string(spans.size()) +
                  " spans of the window, " + window + ", " + (gaps == 1 ? "has" : "have") +
                  " no object: " + names + "; run this again when it is there, or write " +
                  "&gaps=allow behind the URI to read the others");
}

}  // namespace

Result<ReadSpans> FetchSpans(SourceStore& store, const SpanUri& uri, TimePoint now,
                             const std::filesystem::path& target, const SourceSettings& settings) {
  PENSTOCK_ASSIGN(const ZoneOffsets clock, ClockOf(uri));
  const auto times = SpansOf(uri, clock, now);
  ReadSpans out;
  PENSTOCK_ASSIGN(out.spans, Lister(store, uri, settings).List(times, clock));
  PENSTOCK_TRY(CheckGaps(store, uri, times, out.spans));
  std::vector<SourceObject> all;
  for (const auto& span : out.spans)
    all.insert(all.end(), span.objects.begin(), span.objects.end());
  SourceSettings with_folders = settings;
  with_folders.flat = false;
  PENSTOCK_TRY(ReadListed(store, CommonFolder(uri), all, target, with_folders));
  // As the store told of them when they were read.
  auto next = all.begin();
  for (auto& span : out.spans)
    for (auto& object : span.objects) object = *next++;
  out.fingerprint = FingerprintOf(true, all);
  return out;
}

}  // namespace penstock::fetch
