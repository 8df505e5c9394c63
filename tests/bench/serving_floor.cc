// What a model server cannot be better than, for the benchmarks:
//
//   serving-floor --memory                       bytes resident of a program that only uses
//   LibTorch serving-floor --forward FILE --width N       median microseconds of one row through a
//   TorchScript serving-floor --echo FILE                    answers every request with FILE;
//   prints its port
#include <ATen/Parallel.h>
#include <torch/script.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "operator/net/beast.h"

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void PrintMemory() {
  const c10::InferenceMode guard;
  at::matmul(at::ones({1, 64}), at::ones({64, 256}));
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) std::printf("%ld\n", std::stol(line.substr(6)) * 1024);
  }
}

void PrintForward(const std::string& path, int width) {
  at::set_num_threads(1);
  auto module = torch::jit::freeze([&] {
    auto loaded = torch::jit::load(path);
    loaded.eval();
    return loaded;
  }());
  const c10::InferenceMode guard;
  const std::vector<torch::jit::IValue> inputs{at::zeros({1, width})};
  std::vector<double> took;
  for (int i = 0; i < 12'000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    module.forward(inputs);
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - start;
    if (i >= 2'000) took.push_back(us.count());
  }
  std::nth_element(took.begin(), took.begin() + std::ptrdiff_t(took.size() / 2), took.end());
  std::printf("%.2f\n", took[took.size() / 2]);
}

// Until the client ends the connection, which Beast tells by an exception.
void Answer(net::ip::tcp::socket socket, const std::string& body) {
  try {
    socket.set_option(net::ip::tcp::no_delay(true));
    boost::beast::flat_buffer buffer;
    for (;;) {
      http::request<http::string_body> request;
      http::read(socket, buffer, request);
      http::response<http::string_body> response{http::status::ok, 11, body};
      response.set(http::field::content_type, "application/json");
      response.prepare_payload();
      http::write(socket, response);
    }
  } catch (const std::exception&) {
    return;
  }
}

void Echo(const std::string& path) {
  const std::string body = ReadWhole(path);
  net::io_context context;
  net::ip::tcp::acceptor acceptor(context, {net::ip::address_v4::loopback(), 0});
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  for (;;) std::thread(Answer, acceptor.accept(), std::cref(body)).detach();
}

}  // namespace

int main(int argc, char** argv) {
  std::string forward, echo;
  int width = 1;
  bool memory = false;
  CLI::App app{"What a model server cannot be better than, for the benchmarks."};
  app.add_flag("--memory", memory, "print the bytes that LibTorch alone keeps resident");
  app.add_option("--forward", forward, "a TorchScript; prints the median microseconds of one row");
  app.add_option("--width", width, "features of a row");
  app.add_option("--echo", echo, "answer every request with this file; prints the port");
  CLI11_PARSE(app, argc, argv);
  try {
    if (memory) PrintMemory();
    if (!forward.empty()) PrintForward(forward, width);
    if (!echo.empty()) Echo(echo);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "serving-floor: %s\n", e.what());
    return 1;
  }
  return 0;
}
