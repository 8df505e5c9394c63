// HTTP requests as the connection reads them: whole, and a byte at a time; both must agree.
#include <cstdint>
#include <string>

#include "components/serve/http/http_connection.h"
#include "components/serve/protocol/compress.h"
#include "components/serve/protocol/route.h"
#include "components/serve/telemetry/trace.h"
#include "tests/fuzz/fuzz_check.h"

using namespace penstock::serve;
namespace http = boost::beast::http;
namespace net = boost::asio;

namespace {

struct Parsed {
  bool done = false;
  std::string target;
  std::string body;
};

Parsed Parse(const std::string& bytes, std::size_t step) {
  http::request_parser<GrowingBodyReader> parser;
  parser.eager(true);
  parser.header_limit(16U << 10);
  parser.body_limit(1U << 20);
  boost::beast::flat_buffer buffer;
  boost::beast::error_code ec;
  for (std::size_t at = 0; at < bytes.size() && !parser.is_done(); at += step) {
    const std::size_t count = std::min(step, bytes.size() - at);
    buffer.commit(net::buffer_copy(buffer.prepare(count), net::buffer(bytes.data() + at, count)));
    while (buffer.size() > 0 && !parser.is_done()) {
      const std::size_t used = parser.put(buffer.data(), ec);
      buffer.consume(used);
      if (ec || used == 0) break;
    }
    if (ec && ec != http::error::need_more) return {};
  }
  if (!parser.is_done()) return {};
  auto message = parser.release();
  return {true, std::string(message.target()), message.body().Take()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const Parsed whole = Parse(bytes, bytes.size() + 1);
  const Parsed pieces = Parse(bytes, 1);
  if (whole.done && pieces.done)
    Require(whole.target == pieces.target && whole.body == pieces.body);
  if (whole.done) (void)FindRoute(whole.target);
  (void)FindRoute(bytes);
  (void)ParseTraceparent(bytes);
  (void)ChooseCoding(bytes);
  (void)ParseContentEncoding(bytes);
  for (Coding coding : {Coding::kGzip, Coding::kDeflate}) {
    const auto plain = Decompress(coding, bytes, 1U << 16);
    if (plain) Require(plain->size() <= (1U << 16));
  }
  return 0;
}
