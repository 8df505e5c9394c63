#include "components/router/http1/rewrite.h"

#include <gtest/gtest.h>

namespace penstock::router::http1 {
namespace {

std::string Rewritten(const std::string& text, std::size_t cut_begin = 0, std::size_t cut_end = 0) {
  static RequestHead head;
  std::size_t searched = 0;
  EXPECT_EQ(ReadRequestHead(text, &searched, &head).kind, Outcome::Kind::kWhole);
  std::string out(text.size() + kMostAdded, '\0');
  out.resize(WriteRequest(head, cut_begin, cut_end, "host", out.data()));
  return out;
}

TEST(Rewriting, LeavesAPlainRequestAsItIs) {
  const std::string text = "GET /a HTTP/1.1\r\nHost: m\r\nX: y\r\n\r\n";
  EXPECT_EQ(Rewritten(text), text);
}

TEST(Rewriting, WritesFramingAndHostAnew) {
  EXPECT_EQ(Rewritten("POST / HTTP/1.1\r\nHost: m\r\ntransfer-ENCODING: Chunked\r\nX: y\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: m\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(Rewritten("GET http://a/b HTTP/1.1\r\nHost: m\r\n\r\n"),
            "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(Rewritten("GET / HTTP/1.0\r\n\r\n"), "GET / HTTP/1.1\r\nHost: host\r\n\r\n");
  EXPECT_EQ(Rewritten("GET /v2/models/m/versions/3/x HTTP/1.1\r\nHost: m\r\n\r\n", 12, 23),
            "GET /v2/models/m/x HTTP/1.1\r\nHost: m\r\n\r\n");
}

TEST(Rewriting, AnswersInJsonWhateverTheMessage) {
  EXPECT_EQ(
      OwnAnswer(503, "a \"b\"", true, false, 2),
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
      "Retry-After: 2\r\n\r\n{\"error\":\"a \\\"b\\\"\"}\n");
  EXPECT_EQ(OwnAnswer(400, "x", false, true).find("{"), std::string::npos);
}

}  // namespace
}  // namespace penstock::router::http1
