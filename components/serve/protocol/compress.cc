#include "components/serve/protocol/compress.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>

#include "components/serve/engine/failure.h"
#include "components/serve/protocol/growing_body.h"

namespace penstock::serve {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way to say "gzip"
constexpr int kZlibWindow = 15;
constexpr int kRawWindow = -15;  // what some clients send as "deflate"
constexpr std::size_t kRoom = 64U << 10;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

// RFC 1950: the first two bytes as a number are a multiple of 31, and the method is 8.
bool LooksLikeZlib(std::string_view bytes) {
  if (bytes.size() < 2) return true;
  const unsigned first = static_cast<unsigned char>(bytes[0]);
  const unsigned second = static_cast<unsigned char>(bytes[1]);
  return (first & 15) == 8 && (first * 256 + second) % 31 == 0;
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

// What comes before `mark`, and *text becomes what comes after it.
std::string_view CutAt(std::string_view* text, char mark) {
  std::size_t at = 0;
  while (at < text->size() && (*text)[at] != mark) ++at;
  const std::string_view before = text->substr(0, at);
  text->remove_prefix(at < text->size() ? at + 1 : at);
  return before;
}

// "q=0.5" -> 0.5; 1 without; 0 when it says so or says nonsense.
double Quality(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  double quality = 0;
  const std::string_view number = Trim(parameters.substr(at + 2));
  std::from_chars(number.data(), number.data() + number.size(), quality);
  return quality;
}

Error TooLarge(std::uint64_t limit) {
  return Failure(ErrorKind::kTooLarge, "the body is larger than " + std::to_string(limit) +
                                           " bytes once it is decompressed");
}

}  // namespace

Result<Coding> ParseContentEncoding(std::string_view header) {
  const std::string name = Lower(Trim(header));
  if (name.empty() || name == "identity") return Coding::kIdentity;
  if (name == "gzip" || name == "x-gzip") return Coding::kGzip;
  if (name == "deflate") return Coding::kDeflate;
  return Failure(ErrorKind::kUnsupported,
                 "Content-Encoding " + std::string(header.substr(0, 64)) +
                     " is not supported; send gzip, deflate or the body as it is");
}

Coding ChooseCoding(std::string_view accept) {
  double gzip = -1;
  double deflate = -1;
  double any = 0;
  while (!accept.empty()) {
    const std::string_view item = CutAt(&accept, ',');
    std::string_view parameters = item;
    const std::string name = Lower(Trim(CutAt(&parameters, ';')));
    const double quality = Quality(parameters);
    if (name == "gzip" || name == "x-gzip") gzip = quality;
    if (name == "deflate") deflate = quality;
    if (name == "*") any = quality;
  }
  if (gzip < 0) gzip = any;
  if (deflate < 0) deflate = any;
  if (gzip <= 0 && deflate <= 0) return Coding::kIdentity;
  return gzip >= deflate ? Coding::kGzip : Coding::kDeflate;
}

Result<std::string> Decompress(Coding coding, std::string_view bytes, std::uint64_t limit) {
  z_stream stream{};
  int window = kGzipWindow;
  if (coding == Coding::kDeflate) window = LooksLikeZlib(bytes) ? kZlibWindow : kRawWindow;
  if (inflateInit2(&stream, window) != Z_OK) return Transient("no memory to decompress the body");
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  const char* const name = coding == Coding::kGzip ? "gzip" : "deflate";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in =
      static_cast<uInt>(std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
  GrowingBody out;
  std::string room(kRoom, '\0');
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0))
      return Invalid(std::string("the ") + name + " body ends too early");
    const std::size_t made = room.size() - stream.avail_out;
    if (out.size() + made > limit) return TooLarge(limit);
    out.Append({room.data(), made});
  }
  if (status != Z_STREAM_END) return Invalid(std::string("the body is no valid ") + name);
  if (stream.avail_in != 0)
    return Invalid(std::string("the body goes on after the end of its ") + name + " data");
  return out.Take();
}

std::string Compress(Coding coding, std::string_view bytes) {
  z_stream stream{};
  const int window = coding == Coding::kGzip ? kGzipWindow : kZlibWindow;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("zlib did not finish");
  return out;
}

}  // namespace penstock::serve
