#include "operator/oci/image_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::oci {
namespace {

using ::testing::HasSubstr;

std::string Name(const std::string& image) {
  const auto name = ParseImageName(image);
  return name ? name->registry + " " + name->repository + " " + name->reference
              : name.error().message;
}
const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(ParseImageName, TakesNamesApartAsRuntimesDo) {
  EXPECT_EQ(Name("debian"), "registry-1.docker.io library/debian latest");
  EXPECT_EQ(Name("alpine/git:2"), "registry-1.docker.io alpine/git 2");
  EXPECT_EQ(Name("docker.io/library/gcc:14"), "registry-1.docker.io library/gcc 14");
  EXPECT_EQ(Name("ghcr.io/a/b/c:v1"), "ghcr.io a/b/c v1");
  EXPECT_EQ(Name("localhost:5000/x"), "localhost:5000 x latest");
  EXPECT_EQ(Name("r.example.com/x:1@" + kDigest), "r.example.com x " + kDigest);
}

TEST(ParseImageName, RefusesWhatIsNone) {
  for (const char* bad : {"", "A/b", "x@sha256:12", "x:", "h.example.com/../y", "x/y z",
                          "x\r\nHost: y", "r.example.com/"})
    EXPECT_THAT(Name(bad), HasSubstr("is no name of an image")) << bad;
}

}  // namespace
}  // namespace penstock::oci
