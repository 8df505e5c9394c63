// A watch's byte stream into events: newline-framed JSON. Pure; one decoder a watch request.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::kube {

class WatchDecoder {
 public:
  // `what` names the watch in errors.
  explicit WatchDecoder(std::string what) : what_(std::move(what)) {}

  // Takes bytes as they arrive and hands each whole event to `sink`. True to go on, false when the
  // sink ended the watch. kExpired for a 410 in the stream; another ERROR event by its code; a line
  // that is no event is kInternal; a line above 64 MiB too.
  [[nodiscard]] Result<bool> Feed(std::string_view bytes, const WatchSink& sink);

  // kTransient when the stream ended inside a line.
  [[nodiscard]] Result<void> Finish() const;

 private:
  [[nodiscard]] Result<bool> Line(std::string_view line, const WatchSink& sink);

  const std::string what_;
  std::string partial_;
};

}  // namespace penstock::kube
