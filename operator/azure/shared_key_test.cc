#include "operator/azure/shared_key.h"

#include <gtest/gtest.h>

#include "operator/base/base64.h"

namespace penstock::azure {
namespace {

// The example of "Authorize with Shared Key" (Azure Storage REST API), for version 2015-02-21.
TEST(SharedKey, SignsWhatTheReferencesExampleSigns) {
  const net::RequestToSign request{
      "GET",
      "myaccount.blob.core.windows.net",
      "/mycontainer",
      {{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}},
      {{"x-ms-version", "2015-02-21"}, {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}}};
  EXPECT_EQ(SharedKeyText(request, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
            "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\n"
            "timeout:20");
}

TEST(SharedKey, RangesAndConditionsStandInTheirLines) {
  const net::RequestToSign request{
      "GET", "h", "/c/a%20b", {}, {{"Range", "bytes=5-"}, {"If-Match", "\"0x8D\""}}};
  EXPECT_EQ(SharedKeyText(request, "acc"),
            "GET\n\n\n\n\n\n\n\n\"0x8D\"\n\n\nbytes=5-\n/acc/c/a%20b");
}

TEST(SharedKey, ALengthOfNothingIsNotSigned) {
  const net::RequestToSign request{"PUT", "h", "/c/a", {}, {{"Content-Length", "0"}}};
  EXPECT_EQ(SharedKeyText(request, "acc"), "PUT\n\n\n\n\n\n\n\n\n\n\n\n/acc/c/a");
}

TEST(SharedKey, IsAnHmacInBase64) {
  const auto word = SharedKey({"GET", "h", "/c/a", {}, {}}, "acc", "key");
  EXPECT_TRUE(word.starts_with("SharedKey acc:")) << word;
  EXPECT_EQ(DecodeBase64(word.substr(14))->size(), 32U);
  EXPECT_NE(word, SharedKey({"GET", "h", "/c/a", {}, {}}, "acc", "other"));
}

}  // namespace
}  // namespace penstock::azure
