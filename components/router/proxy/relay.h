// One direction of a request: a head that was written anew, then a body as it comes, through one
// block of memory. What the reader does not take is not read from the sender either.
//
// The input's first ready() bytes are checked and may be sent; what follows is not of this message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "components/router/http1/body.h"
#include "components/router/proxy/buffer.h"
#include "components/router/proxy/stream.h"

namespace penstock::router {

class Relay {
 public:
  explicit Relay(BlockPool* pool) : head_(pool) {}

  enum class Outcome : std::uint8_t {
    kWantsInput,
    kWantsOutput,
    kDone,
    kInputEnded,   // before the body's end
    kInputBroken,  // the body's framing is wrong
    kOutputLost,
  };

  // `head` holds the head's bytes by now; the body begins at the input's front. Copies as much of
  // the body behind the head as is there and fits. kInputBroken or kDone (may begin).
  [[nodiscard]] Outcome Begin(const http1::BodyDecoder& body, Buffer* input);
  // As far as it goes now.
  [[nodiscard]] Outcome Run(Stream* from, Buffer* input, Stream* to);

  // All of the message is in memory, sent or not: it can be sent again.
  [[nodiscard]] bool Replayable() const { return body_.done() && ready_ == 0 && whole_in_head_; }
  void Replay() {
    sent_ = 0;
    finished_ = false;
  }
  [[nodiscard]] bool untouched() const { return sent_ == 0 && whole_in_head_; }
  [[nodiscard]] bool body_read() const { return body_.done(); }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] Buffer* head() { return &head_; }
  [[nodiscard]] std::string WholeMessage() { return {head_.data(), head_.size()}; }
  // Gives the head's block back, once nobody will ask for a replay.
  void ForgetHead();

  // From now on what passes is also kept here, up to `limit` bytes; beyond, overflown() is true.
  void Capture(std::string* to, std::size_t limit);
  [[nodiscard]] bool overflown() const { return overflown_; }

 private:
  [[nodiscard]] bool Decode(Buffer* input);
  [[nodiscard]] Outcome Send(Buffer* input, Stream* to);
  void Keep(const char* bytes, std::size_t size);

  Buffer head_;
  std::size_t sent_ = 0;  // of head_
  std::size_t ready_ = 0;
  http1::BodyDecoder body_;
  bool until_close_ended_ = false;
  bool whole_in_head_ = true;  // no byte of the input was sent past the head
  bool finished_ = false;
  std::string* captured_ = nullptr;
  std::size_t limit_ = 0;
  bool overflown_ = false;
};

}  // namespace penstock::router
