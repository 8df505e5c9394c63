#include "operator/sources/as_seen_in.h"

#include <gtest/gtest.h>

namespace penstock::sources {
namespace {

TEST(AsSeenIn, ANameWithoutADotIsAServiceOfTheRunsNamespaceAndNotOfTheOperators) {
  EXPECT_EQ(AsSeenIn("team", "http://data/x.csv?y=1"), "http://data.team.svc/x.csv?y=1");
  EXPECT_EQ(AsSeenIn("team", "https://data:8443/x"), "https://data.team.svc:8443/x");
  for (const char* same : {"http://data.other/x", "https://example.com/x", "http://10.0.0.1/x",
                           "http://[fd00::1]:80/x", "http://localhost:8080/x", "file:///data/x",
                           "s3://bucket/x", "no uri"})
    EXPECT_EQ(AsSeenIn("team", same), same);
}

}  // namespace
}  // namespace penstock::sources
