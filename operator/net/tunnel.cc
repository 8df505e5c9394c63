#include "operator/net/tunnel.h"

#include "operator/net/wire.h"

namespace penstock::net {
namespace {

constexpr std::uint32_t kMaxHead = 64 * 1024;

}  // namespace

Result<void> OpenTunnel(Stream& stream, const Url& server, const Proxy& proxy) {
  const std::string who = "the proxy " + proxy.url.authority;
  const std::string where = server.Origin().substr(server.Origin().find("//") + 2);
  std::string head = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
  if (!proxy.authorization.empty()) head += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  if (auto sent = stream.Write(head + "\r\n"); !sent) return Wrap(who, sent.error());
  Incoming<false>::Buffer buffer;
  Incoming<false> answer(stream, buffer, kMaxHead);
  answer.parser().skip(true);  // what follows a 2xx is the server's, and no body
  if (const auto ec = answer.ReadHead()) return Wrap(who, answer.ErrorOf(ec));
  const int status = static_cast<int>(answer.message().result_int());
  if (status / 100 == 2 && buffer.size() == 0) return {};
  Error error =
      Transient(who + " does not pass on to " + where + ": it answered " + std::to_string(status));
  if (status == 401 || status == 403 || status == 407) error.kind = ErrorKind::kForbidden;
  if (status == 407) error.message += ", it wants other credentials";
  return error;
}

}  // namespace penstock::net
