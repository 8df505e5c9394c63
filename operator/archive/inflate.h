// gzip as a stream (RFC 1952), several members one after the other. 64 KiB of memory beside zlib's
// own. Used by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::archive {

// Takes the next bytes; an error ends the work and is what the caller gets.
using Sink = std::function<Result<void>(std::string_view)>;

class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Hands what comes out to `sink`. Invalid where the bytes are damaged.
  [[nodiscard]] Result<void> Write(std::string_view packed, const Sink& sink);
  // Invalid where the last member has not ended.
  [[nodiscard]] Result<void> Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::archive
