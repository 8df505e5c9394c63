// A watch's byte stream: read whole and a few bytes at a time, with the same events and the same
// end.
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/status_error.h"
#include "operator/kube/watch_decoder.h"
#include "tests/fuzz/require.h"

using namespace penstock;

namespace {

struct Seen {
  std::vector<std::pair<kube::WatchEventType, std::string>> events;
  std::string end;
};

Seen Watch(std::string_view bytes, std::size_t step) {
  Seen seen;
  kube::WatchDecoder decoder("watch");
  const auto sink = [&](kube::WatchEvent& event) {
    fuzz::Require(event.object->is_object());
    seen.events.emplace_back(event.type, CanonicalJson(*event.object));
    return true;
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    const auto more = decoder.Feed(bytes.substr(0, step), sink);
    if (!more) {
      seen.end = Name(more.error().kind) + more.error().message;
      return seen;
    }
    fuzz::Require(*more);
  }
  const auto end = decoder.Finish();
  if (!end) seen.end = end.error().message;
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = fuzz::Text(data, size);
  const Seen whole = Watch(bytes, bytes.size() + 1);
  const Seen pieces = Watch(bytes, 3);
  fuzz::Require(whole.events == pieces.events && whole.end == pieces.end);
  fuzz::Require(!kube::ErrorFromAnswer("call", 500, bytes, bytes).message.empty());
  return 0;
}
