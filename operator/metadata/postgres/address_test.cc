#include "operator/metadata/postgres/address.h"

#include <gmock/gmock.h>

namespace penstock::metadata {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PostgresAddress, IsVerifiedAgainstTheSystemsAuthoritiesWhereNobodySaysMore) {
  const auto address =
      ReadPostgresAddress(" postgresql://me:s%3Dcret%20@db.example.com/history\n", "");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_THAT(address->uri, HasSubstr("sslmode=verify-full"));
  EXPECT_THAT(address->uri, HasSubstr("sslrootcert=%2Fetc%2Fssl%2Fcerts%2Fca-certificates.crt"));
  EXPECT_THAT(address->uri, HasSubstr("password=s%3Dcret%20"));
  EXPECT_THAT(address->uri, HasSubstr("target_session_attrs=read-write"));
  EXPECT_THAT(address->uri, Not(HasSubstr(" "))) << "SOCI splits at it";
  EXPECT_EQ(address->shown, "history at db.example.com");
  EXPECT_EQ(address->warning, "");
}

TEST(PostgresAddress, TakesPairsAndWhatTheySay) {
  const auto address = ReadPostgresAddress(
      "host=a,b port=5433 dbname=h user=u password='x y' sslmode=require connect_timeout=2", "");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_THAT(address->uri, HasSubstr("sslmode=require"));
  EXPECT_THAT(address->uri, Not(HasSubstr("verify-full")));
  EXPECT_THAT(address->uri, HasSubstr("connect_timeout=2"));
  EXPECT_THAT(address->uri, HasSubstr("password=x%20y"));
  EXPECT_EQ(address->shown, "h at a,b:5433");
  EXPECT_THAT(address->warning, HasSubstr("says sslmode=require: whoever stands between"));
  EXPECT_THAT(address->warning, Not(HasSubstr("x y")));
}

TEST(PostgresAddress, TakesAnOwnAuthorityWhereItsFileIsThere) {
  EXPECT_THAT(ReadPostgresAddress("postgresql://db/h", "/proc/self/status")->uri,
              HasSubstr("sslrootcert=%2Fproc%2Fself%2Fstatus"));
  EXPECT_THAT(ReadPostgresAddress("postgresql://db/h", "/no/such/file")->uri,
              HasSubstr("ca-certificates.crt"));
}

TEST(PostgresAddress, RefusesWhatIsNoneAndShowsNothingOfIt) {
  for (const std::string& text :
       {std::string(), std::string("  \n"), std::string("hunter2"),
        std::string("postgresql://me:hunter2@db:port/h?no=hunter2"),
        std::string("mysql://me:hunter2@db/h"), std::string("host=db\0 password=hunter2", 24),
        "host=db password=hunter2" + std::string(9'000, 'x'),
        std::string("dbname=h password=hunter2")}) {
    const auto address = ReadPostgresAddress(text, "");
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(address.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(address.error().message, HasSubstr("connection string"));
  }
}

}  // namespace
}  // namespace penstock::metadata
