// Heads as they are passed on: without what is hop-by-hop, with framing and connection written
// anew. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "components/router/http1/head.h"

namespace penstock::router::http1 {

// What rewriting may add to a head; a buffer of the head's size and this always suffices.
inline constexpr std::size_t kMostAdded = 512;

// The request for a server at `host` ("10.0.0.1:8080", for requests that name none), without the
// bytes [cut_begin, cut_end) of its target. Returns the bytes written.
[[nodiscard]] std::size_t WriteRequest(const RequestHead& head, std::size_t cut_begin,
                                       std::size_t cut_end, std::string_view host, char* to);

struct AnswerFor {
  bool http11 = true;        // the client's version
  bool keep_alive = true;    // whether the client's connection goes on
  bool chunked = false;      // how the body is framed for the client
  std::int64_t version = 0;  // of the model that answered
};
[[nodiscard]] std::size_t WriteAnswer(const AnswerHead& head, const AnswerFor& client, char* to);

// A whole answer of the router's own, {"error": message}. `fields`: more lines of its head, each
// with its CRLF.
[[nodiscard]] std::string OwnAnswer(int status, std::string_view message, bool keep_alive,
                                    bool to_head, int retry_after_seconds = 0,
                                    std::string_view fields = {});

}  // namespace penstock::router::http1
