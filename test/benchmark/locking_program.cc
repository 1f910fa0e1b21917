// A process with locks to be counted: TakeOften takes one so many times as argv[1] says, TakeLong
// holds one for argv[2] milliseconds, and TwoMeet has two threads of which one finds it taken.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

// Not std::mutex, whose lock may be a function of its own, in which they would count.
pthread_mutex_t often = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t long_held = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t met = PTHREAD_MUTEX_INITIALIZER;

void Spin(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

[[gnu::noinline]] void TakeOften(int times) {
  for (int i = 0; i < times; ++i) {
    pthread_mutex_lock(&often);
    pthread_mutex_unlock(&often);
  }
}

[[gnu::noinline]] void TakeLong(int milliseconds) {
  pthread_mutex_lock(&long_held);
  Spin(std::chrono::milliseconds(milliseconds));
  pthread_mutex_unlock(&long_held);
}

[[gnu::noinline]] void FindItTaken(std::atomic<bool>& runs) {
  runs.store(true);
  pthread_mutex_lock(&met);
  pthread_mutex_unlock(&met);
}

[[gnu::noinline]] void TwoMeet() {
  std::atomic<bool> other_runs{false};
  pthread_mutex_lock(&met);
  std::thread other([&other_runs] { FindItTaken(other_runs); });
  while (!other_runs.load()) {
  }
  Spin(std::chrono::milliseconds(50));
  pthread_mutex_unlock(&met);
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  TakeOften(std::atoi(argv[1]));
  TakeLong(std::atoi(argv[2]));
  TwoMeet();
  return 0;
}
