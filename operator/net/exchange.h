// One HTTP request and its answer, as handlers see them: no Beast, no TLS.
//
// A handler runs on the connection's thread and may block; it answers exactly once. Reading the
// body sends "100 Continue" where the client waits for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace penstock::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

class Exchange {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] virtual const std::string& method() const = 0;
  [[nodiscard]] virtual const std::string& path() const = 0;   // as sent, without the query
  [[nodiscard]] virtual const std::string& query() const = 0;  // without the "?"
  [[nodiscard]] virtual std::string Header(const std::string& name) const = 0;  // "" when absent
  [[nodiscard]] virtual std::optional<std::uint64_t> ContentLength() const = 0;
  [[nodiscard]] virtual bool ExpectsContinue() const = 0;
  [[nodiscard]] virtual std::stop_token stop() const = 0;

  // The client's certificate (DER) that TLS has verified; empty where it has shown none, or one
  // that the server would not take any more. Never out of a header, which anybody can write.
  [[nodiscard]] virtual std::string ClientCertificate() const { return ""; }

  // The caller has shown who it is: for ten minutes its address may use what the server keeps for
  // such (HttpServerOptions::reserve).
  virtual void CallerIsKnown() {}

  // The next piece of the body, valid until the next call; empty at its end. kTransient when the
  // connection broke or stood still: then no answer can be given any more.
  [[nodiscard]] virtual Result<std::string_view> ReadBody() = 0;

  // Errors of sending are the connection's, which ends then.
  virtual void Respond(int status, const std::string& content_type, const std::string& body,
                       const Headers& headers = {}) = 0;
  // A part of a file; a HEAD gets the headers alone. 404 where the file has gone, 5xx with the
  // reason where it cannot be opened.
  virtual void RespondFile(int status, const std::filesystem::path& file, std::uint64_t offset,
                           std::uint64_t length, const Headers& headers) = 0;
  // `length` bytes that `write` hands on as it gets them; a HEAD gets the headers alone, and
  // `write` is not called. Where it fails or gives fewer, the connection is cut: the head has gone.
  using Take = std::function<Result<void>(std::string_view)>;
  virtual void RespondStream(int status, std::uint64_t length, const Headers& headers,
                             const std::function<Result<void>(const Take&)>& write) = 0;

  // An answer whose length nobody knows: the head, then pieces as they come; the connection's end
  // is the body's. False: the client has gone. A HEAD gets the headers alone, and then false.
  [[nodiscard]] virtual bool BeginStream(int status, const std::string& content_type,
                                         const Headers& headers) = 0;
  [[nodiscard]] virtual bool SendPiece(std::string_view bytes) = 0;
};

// The status that an error is answered with, and the error that an answer's status tells of.
[[nodiscard]] int StatusOf(ErrorKind kind);
[[nodiscard]] ErrorKind KindOf(int status);

// {"error": message}
void RespondError(Exchange& exchange, int status, const std::string& message,
                  const Headers& headers = {});
// The status of an error's kind: 404, 403 for kForbidden, 507 for a full disk, ...
void RespondError(Exchange& exchange, const Error& error);

// The whole body, at most `limit` bytes: kTooLarge above it. `hold` is asked before the body is as
// large as it says, and its error ends the reading.
[[nodiscard]] Result<std::string> ReadWholeBody(
    Exchange& exchange, std::size_t limit, const std::function<Result<void>(std::size_t)>& hold);

}  // namespace penstock::net
