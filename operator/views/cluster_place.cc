#include "operator/views/cluster_place.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/metadata/tracking.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::views {
namespace {

constexpr std::uint64_t kMostLive = 32 << 20;  // of a log that is read through to its offset
constexpr int kTailLines = 10'000;
constexpr int kPage = 500;
constexpr std::size_t kMostObjects = 20'000;
constexpr std::chrono::milliseconds kPatience{10'000};

}  // namespace

ClusterPlace::ClusterPlace(kube::Client& client, metadata::Query history, artifacts::Store store,
                           ClusterPlaceOptions options)
    : client_(client),
      history_(std::move(history)),
      store_(std::move(store)),
      logs_(store_.root(), store_.room()),
      options_(std::move(options)) {}

Result<Json> ClusterPlace::Get(const kube::ResourceType& type, const std::string& ns,
                               const std::string& name, const std::stop_token& stop) const {
  return client_.Get(type, ns, name, {.stop = stop, .timeout = kPatience});
}

Result<std::vector<Json>> ClusterPlace::List(const kube::ResourceType& type, const std::string& ns,
                                             const std::string& labels,
                                             const std::stop_token& stop) const {
  kube::ListOptions options;
  options.label_selector = labels;
  options.limit = kPage;
  std::vector<Json> all;
  do {
    auto page = client_.List(type, ns, options, {.stop = stop, .timeout = kPatience});
    // A cluster without this kind of ours has none of them.
    if (!page && page.error().kind == ErrorKind::kNotFound) return all;
    if (!page) return page.error();
    std::move(page->items.begin(), page->items.end(), std::back_inserter(all));
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty() && all.size() < kMostObjects);
  return all;
}

Result<std::vector<Json>> ClusterPlace::Events(const std::string& ns, const std::string& name,
                                               const std::stop_token& stop) const {
  kube::ListOptions options;
  options.field_selector = "regarding.name=" + name;
  options.limit = kPage;
  auto page = client_.List(kube::kEvents, ns, options, {.stop = stop, .timeout = kPatience});
  // The chart may give the operator no right to read them: the step is told of without.
  if (!page && page.error().kind == ErrorKind::kForbidden) return std::vector<Json>();
  if (!page) return page.error();
  return std::move(page->items);
}

Result<LogPiece> ClusterPlace::Log(const LogAsk& ask, const std::stop_token& stop) const {
  const auto kept = logs_.Path(ask.ns, ask.run_uid, ask.pod);
  if (kept) return PieceOfFile(*kept, ask);
  if (kept.error().kind != ErrorKind::kNotFound) return kept.error();
  auto live = LiveLog(ask, stop);
  if (!live && live.error().kind == ErrorKind::kNotFound)
    return NotFound("pod " + ask.pod + " is gone, and no log of it was kept");
  return live;
}

Result<bool> ClusterPlace::ReadContainers(const LogAsk& ask, const Json& pod,
                                          std::optional<int> tail_lines, const kube::LogSink& take,
                                          const std::stop_token& stop) const {
  bool whole = true;
  for (const std::string& container : StepContainers(pod)) {
    kube::LogOptions options;
    options.container = container;
    options.limit_bytes = static_cast<std::int64_t>(kMostLive);
    options.tail_lines = tail_lines;
    const auto read = client_.Logs(
        ask.ns, ask.pod, options,
        [&](std::string_view bytes) {
          whole = take(bytes);
          return whole;
        },
        stop);
    // A container that has not begun has no log yet.
    if (!read && read.error().kind == ErrorKind::kInvalid) break;
    if (!read) return read.error();
    if (!whole) break;
  }
  return whole;
}

Result<LogPiece> ClusterPlace::LiveLog(const LogAsk& ask, const std::stop_token& stop) const {
  PENSTOCK_ASSIGN(const Json pod, Get(kube::kPods, ask.ns, ask.pod, stop));
  if (ask.tail) return LiveTail(ask, pod, stop);
  LogPiece piece;
  piece.offset = ask.offset;
  const std::uint64_t most = std::min(ask.offset + ask.limit, kMostLive);
  const auto take = [&](std::string_view bytes) {
    const std::uint64_t begin = piece.size;
    piece.size += bytes.size();
    if (piece.size > ask.offset) {
      const std::uint64_t skip = ask.offset > begin ? ask.offset - begin : 0;
      piece.text += bytes.substr(skip, ask.limit - piece.text.size());
    }
    return piece.size < most;
  };
  PENSTOCK_ASSIGN(const bool whole, ReadContainers(ask, pod, std::nullopt, take, stop));
  piece.complete = ask.ended && whole && piece.offset + piece.text.size() == piece.size;
  return piece;
}

// Read from the beginning, so that its offset is that of the whole log. One that is too long for
// that is asked for its last lines, behind all that can be read by an offset.
Result<LogPiece> ClusterPlace::LiveTail(const LogAsk& ask, const Json& pod,
                                        const std::stop_token& stop) const {
  LogPiece piece;
  const auto keep = [&](std::string_view bytes) {
    piece.size += bytes.size();
    piece.text += bytes;
    if (piece.text.size() > 2 * *ask.tail) piece.text.erase(0, piece.text.size() - *ask.tail);
    return true;
  };
  const auto keep_some = [&](std::string_view bytes) {
    return keep(bytes) && piece.size < kMostLive;
  };
  PENSTOCK_ASSIGN(const bool whole, ReadContainers(ask, pod, std::nullopt, keep_some, stop));
  if (!whole) {
    piece.text.clear();
    PENSTOCK_TRY(ReadContainers(ask, pod, kTailLines, keep, stop));
  }
  if (piece.text.size() > *ask.tail) piece.text.erase(0, piece.text.size() - *ask.tail);
  piece.offset = piece.size - piece.text.size();
  piece.complete = ask.ended;
  return piece;
}

std::optional<bool> ClusterPlace::Settle(metadata::RunRecord& run) const {
  if (!options_.stands || run.cause == metadata::kTrackedCause) return std::nullopt;
  const auto stands = options_.stands(run.namespace_, run.name, run.uid);
  if (!stands) return std::nullopt;
  if (!*stands && run.outcome.empty()) {
    run.phase = "Cancelled";
    run.reason = "Deleted";
    run.message = "the run was deleted before it ended";
  }
  return !*stands;
}

Result<LogPiece> PieceOfFile(const std::filesystem::path& path, const LogAsk& ask) {
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(path));
  if (!size) return NotFound("the log " + path.filename().string() + " has gone");
  std::ifstream file(path, std::ios::binary);
  if (!file) return Internal("the log " + path.string() + " cannot be read");
  LogPiece piece;
  piece.size = *size;
  piece.offset = std::min(ask.offset, *size);
  std::uint64_t length = std::min(ask.limit, *size - piece.offset);
  if (ask.tail) {
    length = std::min(*ask.tail, *size);
    piece.offset = *size - length;
  }
  piece.text.resize(length);
  file.seekg(static_cast<std::streamoff>(piece.offset));
  file.read(piece.text.data(), static_cast<std::streamsize>(length));
  piece.text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  piece.complete = ask.ended && piece.offset + piece.text.size() == piece.size;
  return piece;
}

std::vector<std::string> StepContainers(const Json& pod) {
  std::vector<std::string> names;
  for (const Json& c : pod.value("spec", Json::object()).value("containers", Json::array()))
    if (const std::string name = c.value("name", ""); name.starts_with(plan::kTurnPrefix))
      names.push_back(name);
  if (names.empty()) names.emplace_back(plan::kStepContainer);
  return names;
}

}  // namespace penstock::views
