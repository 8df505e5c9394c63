#include "operator/local/admission.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "operator/base/json.h"
#include "operator/local/quantity.h"

namespace penstock::local {
namespace {

std::int64_t Processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max(1U, std::thread::hardware_concurrency());
}

std::int64_t NvidiaDevices() {
  std::int64_t count = 0;
  std::error_code error;
  while (std::filesystem::exists("/dev/nvidia" + std::to_string(count), error)) ++count;
  return count;
}

// Adds one container's requests. `where` is the container's name, for errors.
Result<void> AddRequests(const Json& container, Resources& sum) {
  const Json resources = container.value("resources", Json::object());
  Json wanted = resources.value("limits", Json::object());
  wanted.update(resources.value("requests", Json::object()));
  const std::string where = "container " + container.value("name", "") + ": ";
  for (const auto& [name, quantity] : wanted.items()) {
    const std::string text = quantity.is_string() ? quantity.get<std::string>() : quantity.dump();
    const bool cpu = name == "cpu";
    const Result<std::int64_t> value = cpu ? ParseMilliQuantity(text) : ParseQuantity(text);
    if (!value) return Wrap(where + name, value.error());
    if (cpu) {
      sum.cpu_milli += *value;
    } else if (name == "memory") {
      sum.memory += *value;
    } else if (name.find('/') != std::string::npos && *value > 0) {
      sum.other[name] += *value;
    }
  }
  return {};
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// The resources of `request` that `free` has too little of, in the scheduler's words.
std::string Insufficient(const Resources& request, const Resources& free) {
  std::vector<std::string> lacking;
  if (request.cpu_milli > free.cpu_milli) lacking.push_back("1 Insufficient cpu");
  if (request.memory > free.memory) lacking.push_back("1 Insufficient memory");
  for (const auto& [name, amount] : request.other) {
    const auto it = free.other.find(name);
    if (amount > (it == free.other.end() ? 0 : it->second)) {
      lacking.push_back("1 Insufficient " + name);
    }
  }
  return lacking.empty() ? "" : "0/1 nodes are available: " + Join(lacking) + ".";
}

std::string Describe(const Resources& r) {
  std::string text =
      std::to_string(r.cpu_milli) + "m CPU, " + std::to_string(r.memory >> 20) + " MiB of memory";
  for (const auto& [name, amount] : r.other) text += ", " + std::to_string(amount) + " " + name;
  return text;
}

}  // namespace

Resources MachineCapacity() {
  Resources capacity;
  capacity.cpu_milli = Processors() * 1000;
  capacity.memory = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  if (const std::int64_t gpus = NvidiaDevices(); gpus > 0) capacity.other["nvidia.com/gpu"] = gpus;
  return capacity;
}

Result<Resources> PodRequests(const Json& pod) {
  Resources sum;
  const Json spec = pod.value("spec", Json::object());
  for (const Json& container : spec.value("containers", Json::array())) {
    if (Result<void> added = AddRequests(container, sum); !added) return added.error();
  }
  return sum;
}

Admission::Admission(Resources capacity) : capacity_(std::move(capacity)) {
  for (const auto& [name, amount] : capacity_.other) {
    for (int i = 0; i < amount; ++i) free_devices_[name].push_back(i);
  }
}

Admission::Seat::Seat(Seat&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      taken_(std::move(other.taken_)),
      devices_(std::move(other.devices_)) {}

Admission::Seat::~Seat() {
  if (admission_ != nullptr) admission_->Leave(taken_, devices_);
}

std::string Admission::WhyNever(const Resources& request) const {
  const std::string lacking = Insufficient(request, capacity_);
  if (lacking.empty()) return "";
  return lacking + " This machine has " + Describe(capacity_) + "; the step requests " +
         Describe(request) + ": lower its resources.requests or run it on a cluster.";
}

std::string Admission::WhyNotNow(const Resources& request) const {
  if (pods_ >= kMaxPods) return "0/1 nodes are available: 1 Too many pods.";
  Resources free = capacity_;
  free.cpu_milli -= used_.cpu_milli;
  free.memory -= used_.memory;
  for (const auto& [name, amount] : used_.other) free.other[name] -= amount;
  return Insufficient(request, free);
}

bool Admission::MayEnter(const std::list<Waiter>::iterator& waiter) {
  if (!WhyNotNow(*waiter->request).empty()) return false;
  for (auto earlier = waiters_.begin(); earlier != waiter; ++earlier) {
    if (earlier->overtaken >= kMaxOvertakes) return false;
  }
  for (auto earlier = waiters_.begin(); earlier != waiter; ++earlier) ++earlier->overtaken;
  return true;
}

Admission::Seat Admission::Take(const Resources& request) {
  used_.cpu_milli += request.cpu_milli;
  used_.memory += request.memory;
  ++pods_;
  std::map<std::string, std::vector<int>> devices;
  for (const auto& [name, amount] : request.other) {
    used_.other[name] += amount;
    std::vector<int>& free = free_devices_[name];
    for (std::int64_t i = 0; i < amount; ++i) {
      devices[name].push_back(free.front());
      free.erase(free.begin());
    }
  }
  return Seat(this, request, std::move(devices));
}

std::optional<Admission::Seat> Admission::Enter(
    const Resources& request, std::stop_token stop,
    const std::function<void(const std::string&)>& waiting) {
  std::unique_lock lock(mutex_);
  const auto self = waiters_.insert(waiters_.end(), Waiter{&request});
  bool may = MayEnter(self);
  if (!may && !stop.stop_requested()) {
    std::string why = WhyNotNow(request);
    if (why.empty()) why = "0/1 nodes are available: 1 kept for a step that waits longer.";
    lock.unlock();
    waiting(why);
    lock.lock();
    may = changed_.wait(lock, stop, [&] { return MayEnter(self); });
  }
  waiters_.erase(self);
  if (!may || stop.stop_requested()) {
    changed_.notify_all();  // those behind may enter now
    return std::nullopt;
  }
  return Take(request);
}

void Admission::Leave(const Resources& taken,
                      const std::map<std::string, std::vector<int>>& devices) {
  const std::scoped_lock lock(mutex_);
  used_.cpu_milli -= taken.cpu_milli;
  used_.memory -= taken.memory;
  --pods_;
  for (const auto& [name, amount] : taken.other) used_.other[name] -= amount;
  for (const auto& [name, indices] : devices) {
    std::vector<int>& free = free_devices_[name];
    free.insert(free.end(), indices.begin(), indices.end());
    std::sort(free.begin(), free.end());
  }
  changed_.notify_all();
}

}  // namespace penstock::local
