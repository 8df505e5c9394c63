#include "operator/gateway/certificates.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/gateway/x509.h"

namespace penstock::gateway {
namespace {
namespace fs = std::filesystem;

class MovingClock : public Clock {
 public:
  TimePoint Now() const override { return now; }
  std::chrono::steady_clock::time_point Steady() const override { return {}; }
  TimePoint now = ParseTime("2026-01-01T00:00:00Z").value();
};

// Does a client that trusts `ca_pem` accept this chain at that time?
bool Accepts(const std::string& ca_pem, const net::TlsIdentity& shown, TimePoint now) {
  const auto trusted = ParsePem(shown.key_pem + ca_pem).value().certificates;
  const auto chain = ParsePem(shown.key_pem + shown.chain_pem).value().certificates;
  X509_STORE* store = X509_STORE_new();
  for (const auto& c : trusted) X509_STORE_add_cert(store, c.get());
  STACK_OF(X509)* others = sk_X509_new_null();
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain[i].get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, chain[0].get(), others);
  X509_STORE_CTX_set_time(context, 0, std::chrono::system_clock::to_time_t(now));
  const bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  sk_X509_free(others);
  X509_STORE_free(store);
  return good;
}

class CertificatesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(artifacts::RemoveTree(options_.folder)); }
  std::unique_ptr<Certificates> Open() {
    auto opened = Certificates::Open(options_, clock_);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(*opened) : nullptr;
  }
  CertificateOptions options_{fs::path(testing::TempDir()) /
                                  (std::string("certificates_") +
                                   testing::UnitTest::GetInstance()->current_test_info()->name()),
                              {"penstock.penstock-system.svc"},
                              {"127.0.0.1"}};
  MovingClock clock_;
};

TEST_F(CertificatesTest, MakesAChainThatAClientAccepts) {
  auto c = Open();
  EXPECT_TRUE(Accepts(c->CaPem(), **c->Current(), clock_.now));
  for (const char* file : {"ca.pem", "server.pem"}) {
    struct stat st {};
    ASSERT_EQ(::stat((options_.folder / file).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u) << file;
  }
}

TEST_F(CertificatesTest, KeepsWhatIsThereOverARestart) {
  const auto before = Open()->Current().value();
  const auto after = Open()->Current().value();
  EXPECT_EQ(before->chain_pem, after->chain_pem);
  EXPECT_EQ(before->key_pem, after->key_pem);
}

TEST_F(CertificatesTest, AreTheSameForProcessesThatStartAtOnceOnOneFolder) {
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(artifacts::RemoveTree(options_.folder));
    std::vector<std::string> authorities(4), shown(4);
    {
      std::vector<std::jthread> processes;
      for (std::size_t i = 0; i < 4; ++i)
        processes.emplace_back([&, i] {
          const auto c = Open();
          authorities[i] = c->CaPem();
          shown[i] = (*c->Current())->chain_pem;
        });
    }
    EXPECT_EQ(std::set(authorities.begin(), authorities.end()).size(), 1U);
    EXPECT_EQ(std::set(shown.begin(), shown.end()).size(), 1U);
  }
}

TEST_F(CertificatesTest, AreRenewedByOneProcessAndTakenUpByTheOther) {
  const auto one = Open(), two = Open();
  const auto first = one->Current().value();
  for (const auto later : {kServerLife * 3 / 4, kAuthorityLife * 3 / 4}) {
    clock_.now += later;
    const auto renewed = one->Current().value();
    EXPECT_NE(renewed->chain_pem, first->chain_pem);
    EXPECT_EQ(two->Current().value()->chain_pem, renewed->chain_pem);
    EXPECT_EQ(two->CaPem(), one->CaPem());
  }
}

TEST_F(CertificatesTest, RenewsTheServersCertificateAtTwoThirdsOfItsLife) {
  auto c = Open();
  const auto first = c->Current().value();
  clock_.now += std::chrono::hours(24 * 59);
  EXPECT_EQ(c->Current().value(), first);
  clock_.now += std::chrono::hours(24 * 2);
  const auto second = c->Current().value();
  EXPECT_NE(second->chain_pem, first->chain_pem);
  EXPECT_TRUE(Accepts(c->CaPem(), *second, clock_.now));
}

TEST_F(CertificatesTest, AFullVolumeLeavesTheCertificateThatStillHolds) {
  Open();
  clock_.now += std::chrono::hours(24) * 70;  // due, and valid for 20 days more
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit none = before;
  none.rlim_cur = 0;  // to a writer the same as a full volume
  setrlimit(RLIMIT_FSIZE, &none);
  auto c = Certificates::Open(options_, clock_);
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_TRUE(Accepts((*c)->CaPem(), **(*c)->Current(), clock_.now));
}

TEST_F(CertificatesTest, AProcessThatHoldsTheLockDoesNotStopConnections) {
  auto c = Open();
  const auto first = c->Current().value();
  const int fd = ::open((options_.folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);  // and hangs
  clock_.now += std::chrono::hours(24 * 61);
  auto asked = std::async(std::launch::async, [&] { return c->Current(); });
  const bool answered = asked.wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  EXPECT_TRUE(answered);
  if (!answered) ::flock(fd, LOCK_UN);
  EXPECT_EQ(asked.get().value(), first) << "it holds for 29 days more";
  ::flock(fd, LOCK_UN);
  ::close(fd);
  EXPECT_NE(c->Current().value(), first);
}

TEST_F(CertificatesTest, ANewAuthorityIsAcceptedByThoseThatTrustTheOldOne) {
  auto c = Open();
  const std::string old_ca = c->CaPem();
  clock_.now += std::chrono::hours(24 * 3650 * 2 / 3 + 24);
  const auto shown = c->Current().value();
  const std::string new_ca = c->CaPem();
  EXPECT_NE(new_ca, old_ca);
  EXPECT_TRUE(Accepts(old_ca, *shown, clock_.now));
  EXPECT_TRUE(Accepts(new_ca, *shown, clock_.now));
  const auto reopened = Open();
  EXPECT_EQ(reopened->CaPem(), new_ca);
  EXPECT_TRUE(Accepts(old_ca, **reopened->Current(), clock_.now));
}

TEST_F(CertificatesTest, ForgetsAnAuthorityThatHasEnded) {
  auto c = Open();
  const std::string old_ca = c->CaPem();
  clock_.now += std::chrono::hours(24 * 2500);
  ASSERT_TRUE(c->Current());
  clock_.now += std::chrono::hours(24 * 1200);
  const auto shown = c->Current().value();
  EXPECT_EQ(c->CaPem().find(old_ca), std::string::npos);
  EXPECT_TRUE(Accepts(c->CaPem(), *shown, clock_.now));
}

TEST_F(CertificatesTest, MakesANewServerCertificateForOtherNames) {
  const auto before = Open()->Current().value();
  options_.dns_names.push_back("gateway.example.com");
  auto c = Open();
  EXPECT_NE(c->Current().value()->chain_pem, before->chain_pem);
  EXPECT_TRUE(Accepts(c->CaPem(), **c->Current(), clock_.now));
}

TEST_F(CertificatesTest, NamesAFileThatItCannotRead) {
  Open();
  std::ofstream(options_.folder / "ca.pem") << "rubbish";
  auto opened = Certificates::Open(options_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("ca.pem"), std::string::npos);
}

TEST_F(CertificatesTest, RefusesNamesThatAreNone) {
  options_.dns_names = {"a,IP:1.2.3.4"};
  EXPECT_FALSE(Certificates::Open(options_, clock_));
  options_.dns_names.clear();
  options_.addresses = {"nowhere"};
  EXPECT_FALSE(Certificates::Open(options_, clock_));
  options_.addresses.clear();
  EXPECT_FALSE(Certificates::Open(options_, clock_));
}

}  // namespace
}  // namespace penstock::gateway
