#include "operator/protocol/table_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;

TEST(TableUris, SayWhichStateOfWhichTable) {
  const auto newest = ParseTableUri("delta+s3://sales/lake/orders/");
  ASSERT_TRUE(newest) << newest.error().message;
  EXPECT_EQ(newest->format, TableFormat::kDelta);
  EXPECT_EQ(newest->place, "s3://sales/lake/orders");
  EXPECT_FALSE(newest->number);
  const auto pinned = ParseTableUri("delta+file:///lake/orders?version=12&table=a-1");
  ASSERT_TRUE(pinned) << pinned.error().message;
  EXPECT_EQ(pinned->place, "file:///lake/orders");
  EXPECT_EQ(pinned->number, 12);
  EXPECT_EQ(pinned->table, "a-1");
  const auto snapshot = ParseTableUri("iceberg+s3://sales/orders?snapshot=3051729675574597004");
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->format, TableFormat::kIceberg);
  EXPECT_EQ(snapshot->number, 3051729675574597004);
}

TEST(TableUris, AreTakenFromTheCacheOnlyWhereTheyNameOneStateForGood) {
  const auto print = [](const char* uri) { return FingerprintOf(ParseTableUri(uri).value()); };
  EXPECT_EQ(print("delta+s3://b/t"), "");
  // A table that was made anew there has a version 12 of its own.
  EXPECT_EQ(print("delta+s3://b/t?version=12"), "");
  EXPECT_EQ(print("delta+s3://b/t?version=12&table=a-1"), DeltaFingerprint("a-1", 12));
  EXPECT_EQ(print("iceberg+s3://b/t"), "");
  EXPECT_EQ(print("iceberg+s3://b/t?snapshot=7"), IcebergFingerprint(7));
}

TEST(TableUris, AreRefusedWithWhatIsMeant) {
  for (const auto& [uri, says] : {std::pair{"delta+https://h/t", "delta+s3://bucket/orders"},
                                  {"iceberg+hdfs://h/t", "iceberg+s3://bucket/orders"},
                                  {"delta+s3://bucket", "names no table"},
                                  {"delta+s3:///t", "names no table"},
                                  {"delta+file://", "names no table"},
                                  {"delta+s3://b/t#1", "%23"},
                                  {"delta+s3://b/t?version=x", "?version=12"},
                                  {"delta+s3://b/t?version=-1", "?version=12"},
                                  {"delta+s3://b/t?version=99999999999999999999", "?version=12"},
                                  {"delta+s3://b/t?snapshot=1", "version=NUMBER"},
                                  {"iceberg+s3://b/t?version=1", "snapshot=NUMBER"},
                                  {"delta+s3://b/t?table=a", "no version"},
                                  {"delta+s3://b/t?version=1&table=", "the id of a Delta table"},
                                  {"delta+s3://b/t?", "version=NUMBER"}}) {
    const auto parsed = ParseTableUri(uri);
    ASSERT_FALSE(parsed) << uri;
    EXPECT_THAT(parsed.error().message, HasSubstr(says)) << uri;
  }
}

}  // namespace
}  // namespace penstock
