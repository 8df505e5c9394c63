#include "components/router/http1/body.h"

#include <algorithm>
#include <cstring>

namespace penstock::router::http1 {

namespace {

constexpr int kMostSizeDigits = 15;  // below 2^60
constexpr int kMostSizeLine = 256;
constexpr int kMostTrailer = 8192;

int HexDigit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t length, bool unwrap)
    : framing_(framing), unwrap_(unwrap), left_(framing == Framing::kLength ? length : 0) {
  done_ = framing == Framing::kNone || (framing == Framing::kLength && length == 0);
}

BodyDecoder::Piece BodyDecoder::Feed(char* bytes, std::size_t size) {
  if (done_) return {};
  if (framing_ == Framing::kChunked) return FeedChunked(bytes, size);
  if (framing_ == Framing::kUntilClose) return {size, size, false};
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  left_ -= taken;
  done_ = left_ == 0;
  return {taken, taken, false};
}

BodyDecoder::Piece BodyDecoder::FeedChunked(char* bytes, std::size_t size) {
  Piece piece;
  while (piece.taken < size && !done_) {
    if (state_ == State::kData) {
      const auto data =
          static_cast<std::size_t>(std::min<std::uint64_t>(size - piece.taken, left_));
      if (piece.kept != piece.taken) std::memmove(bytes + piece.kept, bytes + piece.taken, data);
      piece.taken += data;
      piece.kept += data;
      left_ -= data;
      if (left_ == 0) state_ = State::kDataCr;
      continue;
    }
    const State before = state_;
    const char c = bytes[piece.taken++];
    if (!Step(static_cast<unsigned char>(c))) {
      piece.broken = true;
      return piece;
    }
    if (Keeps(before)) bytes[piece.kept++] = c;
  }
  return piece;
}

// Extensions and trailers stay behind; the CRLF that ends the message is passed on.
bool BodyDecoder::Keeps(State before) const {
  if (unwrap_) return false;
  switch (before) {
    case State::kExtension:
      return state_ == State::kSizeLf;  // the CR
    case State::kSize:
      return state_ != State::kExtension;
    case State::kTrailer:
      return state_ == State::kEndLf;
    case State::kTrailerLine:
    case State::kTrailerLf:
      return false;
    default:
      return true;
  }
}

bool BodyDecoder::Step(unsigned char c) {
  switch (state_) {
    case State::kSize:
    case State::kExtension:
    case State::kSizeLf:
      return StepSize(c);
    case State::kDataCr:
      state_ = State::kDataLf;
      return c == '\r';
    case State::kDataLf:
      state_ = State::kSize;
      digits_ = 0;
      line_ = 0;
      return c == '\n';
    case State::kData:
      return false;  // not a byte of framing
    default:
      return StepTrailer(c);
  }
}

bool BodyDecoder::StepSize(unsigned char c) {
  if (++line_ > kMostSizeLine) return false;
  if (state_ == State::kSizeLf) {
    state_ = left_ == 0 ? State::kTrailer : State::kData;
    return c == '\n';
  }
  if (c == '\r') {
    state_ = State::kSizeLf;
    return digits_ > 0;
  }
  if (state_ == State::kExtension) return !IsControl(c);
  if (c == ';') {
    state_ = State::kExtension;
    return digits_ > 0;
  }
  const int digit = HexDigit(c);
  if (digit < 0 || ++digits_ > kMostSizeDigits) return false;
  left_ = (left_ << 4U) + static_cast<unsigned>(digit);
  return true;
}

bool BodyDecoder::StepTrailer(unsigned char c) {
  if (++trailer_ > kMostTrailer) return false;
  switch (state_) {
    case State::kTrailer:
      state_ = c == '\r' ? State::kEndLf : State::kTrailerLine;
      return c == '\r' || !IsControl(c);
    case State::kTrailerLine:
      if (c == '\r') state_ = State::kTrailerLf;
      return c == '\r' || !IsControl(c);
    case State::kTrailerLf:
      state_ = State::kTrailer;
      return c == '\n';
    default:  // kEndLf
      done_ = true;
      return c == '\n';
  }
}

}  // namespace penstock::router::http1
