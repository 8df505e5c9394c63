// The launcher against a gateway: the way that a step goes in a cluster.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/manifest.h"
#include "operator/base/file.h"
#include "operator/gateway/testing/gateway_fixture.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

int Listen(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(fd, 64);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

// Passes bytes on to 127.0.0.1:target. Each of the first `cuts` connections that send more than
// `after` bytes up, or get more than that down, is cut there.
class CuttingProxy {
 public:
  CuttingProxy(std::uint16_t target, int cuts, std::size_t after)
      : target_(target), left_(cuts), after_(after), listener_(Listen(port)) {
    accepting_ = std::jthread([this] {
      for (int client = ::accept(listener_, nullptr, nullptr); client >= 0;
           client = ::accept(listener_, nullptr, nullptr))
        Join(client);
    });
  }
  ~CuttingProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
    pumps_.clear();
    for (const int fd : fds_) ::close(fd);
    ::close(listener_);
  }
  [[nodiscard]] int left() const { return left_; }
  std::uint16_t port = 0;

 private:
  void Join(int client) {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(target_);
    ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    fds_.insert(fds_.end(), {client, server});
    pumps_.emplace_back([this, client, server] { Pump(client, server); });
    pumps_.emplace_back([this, client, server] { Pump(server, client); });
  }
  void Pump(int from, int to) {
    std::string piece(16 * 1024, '\0');
    std::size_t sum = 0;
    for (ssize_t n = 0; (n = ::read(from, piece.data(), piece.size())) > 0;) {
      sum += static_cast<std::size_t>(n);
      if (sum > after_ && left_.fetch_sub(1) > 0) break;
      if (::send(to, piece.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  }

  std::uint16_t target_;
  std::atomic<int> left_;
  std::size_t after_;
  int listener_;
  std::vector<int> fds_;
  std::vector<std::jthread> pumps_;
  std::jthread accepting_;
};

class LauncherHttpsTest : public LauncherTest {
 protected:
  void SetUp() override {
    LauncherTest::SetUp();
    gateway_ = std::make_unique<gateway::TestGateway>(dir_);
    gateway_->authenticator.Know("pod-token",
                                 {"ns", "default", "flights-1-train-0-1-abcdef01", "uid"});
    gateway_->Start();
    std::ofstream(dir_ / "token") << "pod-token\n";
  }
  TaskDocument Task(const std::string& script) const {
    TaskDocument t = Script(script);
    t.store = {};
    t.store.url = gateway_->Url();
    t.store.ca_pem = gateway_->certificates->CaPem();
    t.store.token_file = (dir_ / "token").string();
    return t;
  }
  // A task that copies a folder with a file of three blocks and a small one.
  TaskDocument CopyTask() const {
    std::string big(artifacts::kBlockBytes * 2 + 12'345, '\0');
    for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 2654435761U >> 24);
    std::ofstream(dir_ / "in" / "big", std::ios::binary) << big;
    std::ofstream(dir_ / "in" / "small") << "s";
    TaskDocument t = Task("cp -r $0 $1; echo more > $1/more");
    t.command.insert(t.command.end(), {"$(inputs.data.path)", "$(outputs.copy.path)"});
    t.inputs = {{"data", "dataset", gateway_->store.Put("ns", dir_ / "in").value(), "", ""}};
    t.outputs = {{"copy", "dataset"}};
    return t;
  }
  void ExpectCopied(const TerminationMessage& m) const {
    ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
    ASSERT_TRUE(m.receipt);
    ASSERT_TRUE(gateway_->store.Get("ns", m.receipt->outputs.at(0).artifact, dir_ / "check"));
    EXPECT_EQ(artifacts::DigestFile(dir_ / "check" / "big")->sha256,
              artifacts::DigestFile(dir_ / "in" / "big")->sha256);
    EXPECT_EQ(Read(dir_ / "check" / "more"), "more\n");
    EXPECT_TRUE(gateway_->store.GetReceipt("ns", "uid-1", m.receipt->pod));
  }
  std::unique_ptr<gateway::TestGateway> gateway_;
};

TEST_F(LauncherHttpsTest, CarriesAFolderThereAndBack) { ExpectCopied(Run(CopyTask())); }

TEST_F(LauncherHttpsTest, GoesOnWhenAConnectionIsCutInMidDownload) {
  TaskDocument t = CopyTask();
  CuttingProxy proxy(gateway_->server->port(), 2, 5'000'000);
  t.store.url = "https://127.0.0.1:" + std::to_string(proxy.port);
  ExpectCopied(Run(t));
  EXPECT_LE(proxy.left(), 0) << "nothing was cut";
}

TEST_F(LauncherHttpsTest, BeginsAgainWhenAConnectionIsCutInMidUpload) {
  TaskDocument t = CopyTask();
  t.inputs.clear();
  t.command = {"sh", "-c", "cp -r $0 $1; echo more > $1/more", (dir_ / "in").string(),
               "$(outputs.copy.path)"};
  ASSERT_TRUE(artifacts::RemoveTree(dir_ / "gateway-store"));
  CuttingProxy proxy(gateway_->server->port(), 1, 3'000'000);
  t.store.url = "https://127.0.0.1:" + std::to_string(proxy.port);
  ExpectCopied(Run(t));
  EXPECT_LE(proxy.left(), 0) << "nothing was cut";
}

TEST_F(LauncherHttpsTest, NamesAnInputThatTheServerHoldsDamaged) {
  const TaskDocument t = CopyTask();
  const auto big = artifacts::DigestFile(dir_ / "in" / "big").value();
  const auto blob = gateway_->store.BlobPath("ns", "sha256:" + big.sha256).value();
  fs::permissions(blob, fs::perms::owner_write, fs::perm_options::add);
  {
    std::fstream file(blob, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(9'000'000);
    file.put('!');
  }
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_EQ(m.damaged, t.inputs[0].artifact->digest);
  EXPECT_TRUE(Has(m.message, "input 'data'") && Has(m.message, "block 1")) << m.message;
  EXPECT_FALSE(gateway_->store.BlobPath("ns", "sha256:" + big.sha256)) << "it was not set aside";
}

TEST_F(LauncherHttpsTest, SaysThatItsTokenWasRefused) {
  const TaskDocument t = CopyTask();
  std::ofstream(dir_ / "token") << "expired-token";
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_EQ(exit_code_, 125);
  EXPECT_TRUE(Has(m.message, "401") && Has(m.message, "expired")) << m.message;
  fs::remove(dir_ / "token");
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(m.message, (dir_ / "token").string())) << m.message;
}

TEST_F(LauncherHttpsTest, TrustsNoOtherAuthority) {
  TaskDocument t = CopyTask();
  const SystemClock clock;
  t.store.ca_pem =
      gateway::Certificates::Open({dir_ / "others", {}, {"127.0.0.1"}}, clock).value()->CaPem();
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(m.message, "not trusted")) << m.message;
  t.store.ca_pem = "rubbish";
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
}

TEST_F(LauncherHttpsTest, GoesOnWhenAnotherAnsweredInTheGatewaysPlaceForAMoment) {
  const SystemClock clock;
  auto others = gateway::Certificates::Open({dir_ / "others", {}, {"127.0.0.1"}}, clock).value();
  gateway_->server->Stop();
  std::atomic<int> asked = 0;
  gateway_->options.tls = [&] {
    return ++asked <= 3 ? others->Current() : gateway_->certificates->Current();
  };
  gateway_->Start();
  ExpectCopied(Run(CopyTask()));
  EXPECT_GT(asked, 3);
  gateway_->server->Stop();
}

TEST_F(LauncherHttpsTest, SaysThatAnOutputIsTooLargeForTheStore) {
  gateway_->server->Stop();
  gateway_ = std::make_unique<gateway::TestGateway>(dir_, 100'000);
  gateway_->authenticator.Know("pod-token", {"ns", "default", "", ""});
  gateway_->Start();
  TaskDocument t = Task("head -c 200000 /dev/zero > $0");
  t.command.push_back("$(outputs.o.path)");
  t.outputs = {{"o", "file"}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_TRUE(Has(m.message, "output 'o'") && Has(m.message, "413")) << m.message;
}

TEST_F(LauncherHttpsTest, MayNotWriteAnotherPodsReceipt) {
  TaskDocument t = Task("true");
  t.pod = "another-pod";
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(m.message, "403")) << m.message;
}

TEST_F(LauncherHttpsTest, GivesUpOnAGatewayThatIsAway) {
  const TaskDocument t = CopyTask();
  gateway_->server->Stop();
  const auto start = std::chrono::steady_clock::now();
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(m.damaged.empty()) << "an input that nobody could read is not damaged";
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900)) << "no retry";
}

TEST_F(LauncherHttpsTest, IsCancelledWithinASecondWhileTheStoreIsSilent) {
  std::uint16_t port = 0;
  const int silent = Listen(port);
  TaskDocument t = CopyTask();
  t.store.url = "https://127.0.0.1:" + std::to_string(port);
  WriteTask(t);
  Process process(RunArgs(), env_, dir_ / "output");
  const int connection = ::accept(silent, nullptr, nullptr);  // the download has begun
  ASSERT_GE(connection, 0);
  const auto start = std::chrono::steady_clock::now();
  process.Signal(SIGTERM);
  exit_code_ = process.Wait();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(exit_code_, 143);
  EXPECT_EQ(Message().outcome, TaskOutcome::kCancelled);
  ::close(connection);
  ::close(silent);
}

TEST_F(LauncherHttpsTest, FetchesAModelForAServer) {
  std::ofstream(dir_ / "in" / "model.yaml") << "m";
  const auto ref = gateway_->store.Put("ns", dir_ / "in").value();
  std::ofstream(dir_ / "ca.pem") << gateway_->certificates->CaPem();
  Process process(
      {PENSTOCK_LAUNCHER, "fetch", "--url", gateway_->Url(), "--ca", dir_ / "ca.pem", "--token",
       dir_ / "token", "--digest", ref.digest, "--folder", "--to", dir_ / "model"},
      env_, dir_ / "output");
  EXPECT_EQ(process.Wait(), 0) << Read(dir_ / "output");
  EXPECT_EQ(Read(dir_ / "model" / "model.yaml"), "m");
}

}  // namespace
}  // namespace penstock::launcher
