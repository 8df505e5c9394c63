#include "operator/sources/http_head.h"

#include <gmock/gmock.h>

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;

TEST(HttpHead, AUrlThatHoldsASecondRequestIsNotAsked) {
  HeadOptions options;
  options.allow_local = true;
  for (const char* url : {"http://127.0.0.1:1/x HTTP/1.1\r\nHost: h\r\n\r\nDELETE /y",
                          "http://127.0.0.1:1/a b", "http://127.0.0.1:1/\x7f"}) {
    const auto reply = HttpHead(url, options);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(reply.error().message, HasSubstr("control character"));
  }
}

}  // namespace
}  // namespace penstock::sources
