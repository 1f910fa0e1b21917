// Aggregates of sliding windows by two stacks: each element is merged about three times however
// many windows it lies in, and nothing is ever subtracted.
//
//   elements   . . [ suffixes of the stack | front ) . .
//                  ^begin                  ^middle  ^end
//
// A window is a suffix computed when the middle was set, merged with a front that grows. When the
// window's begin passes the middle, the front becomes the stack.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <vector>

namespace tsdb::promql {

// State: default-constructed it is empty; Merge(later) appends what follows.
template <typename State, typename MakeState>
class SlidingWindow {
 public:
  // `make(i)` is the state of element i alone.
  explicit SlidingWindow(MakeState make) : make_(std::move(make)) {}

  // REQUIRES: begin and end never go back, begin < end.
  State Of(size_t begin, size_t end) {
    if (begin >= middle_) {
      middle_ = end;
      base_ = begin;
      suffixes_.resize(end - begin);
      State suffix;
      for (size_t i = end; i-- > begin;) {
        State state = make_(i);
        state.Merge(suffix);
        suffix = state;
        suffixes_[i - begin] = suffix;
      }
      front_ = State();
    } else {
      for (size_t i = end_; i < end; ++i) front_.Merge(make_(i));
    }
    end_ = end;
    State result = suffixes_[begin - base_];
    result.Merge(front_);
    return result;
  }

 private:
  MakeState make_;
  std::vector<State> suffixes_;  // of elements from base_ to middle_
  State front_;
  size_t base_ = 0, middle_ = 0, end_ = 0;
};

}  // namespace tsdb::promql
