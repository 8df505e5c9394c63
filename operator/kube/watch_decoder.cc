#include "operator/kube/watch_decoder.h"

#include <optional>

#include "operator/base/json.h"
#include "operator/kube/status_error.h"

namespace penstock::kube {
namespace {

constexpr std::size_t kMaxLine = 64UL << 20;

std::optional<WatchEventType> TypeOf(const std::string& name) {
  if (name == "ADDED") return WatchEventType::kAdded;
  if (name == "MODIFIED") return WatchEventType::kModified;
  if (name == "DELETED") return WatchEventType::kDeleted;
  if (name == "BOOKMARK") return WatchEventType::kBookmark;
  return std::nullopt;
}

}  // namespace

Result<bool> WatchDecoder::Feed(std::string_view bytes, const WatchSink& sink) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      partial_ += bytes;
      if (partial_.size() > kMaxLine) return Internal(what_ + ": an event is above 64 MiB");
      return true;
    }
    std::string_view line = bytes.substr(0, newline);
    std::string whole;
    if (!partial_.empty()) {
      whole = std::exchange(partial_, {});
      whole += line;
      line = whole;
    }
    bytes.remove_prefix(newline + 1);
    if (line.empty() || line == "\r") continue;
    auto more = Line(line, sink);
    if (!more || !*more) return more;
  }
  return true;
}

Result<bool> WatchDecoder::Line(std::string_view line, const WatchSink& sink) {
  auto parsed = ParseJsonCut(line, "an event");
  Json event = parsed ? *std::move(parsed) : Json();
  if (!event.is_object() || !event.contains("type") || !event["type"].is_string() ||
      !event.contains("object") || !event["object"].is_object()) {
    return Internal(
        what_ + ": the stream holds a line that is no event: " + std::string(line.substr(0, 120)));
  }
  const std::string type = event["type"];
  if (type == "ERROR") return ErrorFromStatus(what_, event["object"]);
  const auto known = TypeOf(type);
  if (!known) return Internal(what_ + ": unknown event type " + type);
  WatchEvent out{*known, &event["object"]};
  return sink(out);
}

Result<void> WatchDecoder::Finish() const {
  if (partial_.empty()) return {};
  return Transient(what_ + ": the stream ended inside an event");
}

}  // namespace penstock::kube
