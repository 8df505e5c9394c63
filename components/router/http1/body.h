// Where the body of a message ends, found while it passes: bytes are checked and counted in place,
// never collected. A value; one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "components/router/http1/head.h"

namespace penstock::router::http1 {

class BodyDecoder {
 public:
  BodyDecoder() = default;
  // `unwrap`: chunks are taken off (for readers that know none); else they are passed on as they
  // are, without trailers.
  BodyDecoder(Framing framing, std::uint64_t length, bool unwrap);

  struct Piece {
    std::size_t taken = 0;  // bytes of the input that belong to the body
    std::size_t kept = 0;   // bytes, now at the input's front, that are passed on
    bool broken = false;    // no chunk, or one that two readers could see differently
  };
  // Moves what is kept to the front of `bytes`. Takes all of them, or those up to the end.
  [[nodiscard]] Piece Feed(char* bytes, std::size_t size);
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Framing framing() const { return framing_; }

 private:
  enum class State : std::uint8_t {
    kSize,       // digits of a chunk's size
    kExtension,  // after a ';'
    kSizeLf,     // the size's LF
    kData,
    kDataCr,
    kDataLf,
    kTrailer,  // at the start of a line after the last chunk
    kTrailerLine,
    kTrailerLf,
    kEndLf,
  };

  // One byte of chunk framing; false: broken.
  [[nodiscard]] bool Step(unsigned char c);
  [[nodiscard]] bool StepSize(unsigned char c);
  [[nodiscard]] bool StepTrailer(unsigned char c);
  [[nodiscard]] Piece FeedChunked(char* bytes, std::size_t size);
  // Whether the byte just stepped over is passed on.
  [[nodiscard]] bool Keeps(State before) const;

  Framing framing_ = Framing::kNone;
  State state_ = State::kSize;
  bool unwrap_ = false;
  bool done_ = true;
  std::uint8_t digits_ = 0;
  std::uint16_t line_ = 0;     // bytes of the size's line
  std::uint32_t trailer_ = 0;  // bytes of all trailers
  std::uint64_t left_ = 0;     // of the length, or the chunk
};

}  // namespace penstock::router::http1
