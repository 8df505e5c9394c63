// Messages that come in, as Beast's parsers read them from a Stream. Only http_client.cc and
// served_exchange.h include it: it brings Beast.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "operator/net/beast.h"
#include "operator/net/stream.h"

namespace penstock::net {

// What Beast calls a SyncReadStream.
struct Wire {
  using Code = boost::system::error_code;
  Stream& stream;
  std::optional<Error> error;  // what stands behind connection_aborted

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, Code& ec) {
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    const auto got = stream.Read(static_cast<char*>(first.data()), first.size());
    ec = {};
    if (got && *got > 0) return *got;
    if (got) {
      ec = boost::asio::error::eof;
    } else {
      error = got.error();
      ec = boost::asio::error::connection_aborted;
    }
    return 0;
  }
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    Code ec;
    const std::size_t got = read_some(buffers, ec);
    if (ec) throw boost::system::system_error(ec);
    return got;
  }
};

// One request or answer: its head first, then its body piece by piece. `buffer` holds what came
// after it.
template <bool kIsRequest>
class Incoming {
 public:
  using Buffer = boost::beast::flat_buffer;
  Incoming(Stream& stream, Buffer& buffer, std::uint32_t max_head)
      : wire_{stream, {}}, buffer_(buffer) {
    // boost::none, "no limit", refuses every Content-Length in Boost 1.74.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    parser_.header_limit(max_head);
  }

  [[nodiscard]] auto& parser() { return parser_; }
  [[nodiscard]] const auto& message() const { return parser_.get(); }

  [[nodiscard]] boost::system::error_code ReadHead() {
    boost::system::error_code ec;
    boost::beast::http::read_header(wire_, buffer_, parser_, ec);
    return ec;
  }
  // The next bytes of the body, valid until the next call; empty when it is over.
  [[nodiscard]] Result<std::string_view> ReadSome() {
    while (!parser_.is_done()) {
      piece_.resize(kPiece);
      auto& body = parser_.get().body();
      body.data = piece_.data();
      body.size = piece_.size();
      body.more = true;
      boost::system::error_code ec;
      boost::beast::http::read_some(wire_, buffer_, parser_, ec);
      if (ec && ec != boost::beast::http::error::need_buffer) return ErrorOf(ec);
      const std::size_t got = piece_.size() - body.size;
      if (got > 0) return std::string_view(piece_.data(), got);
    }
    return std::string_view{};
  }
  [[nodiscard]] Error ErrorOf(const boost::system::error_code& ec) const {
    return wire_.error ? *wire_.error : Transient(ec.message());
  }

 private:
  static constexpr std::size_t kPiece = 64 * 1024;  // as much as Beast reads at once
  Wire wire_;
  Buffer& buffer_;
  boost::beast::http::parser<kIsRequest, boost::beast::http::buffer_body> parser_;
  std::string piece_;
};

}  // namespace penstock::net
