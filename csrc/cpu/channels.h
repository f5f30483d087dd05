// How the elements of (N, C, S) are cut for statistics by channel: by shape alone, so that the bits do not depend
// on threads.
//
// Planes of some size are read channel by channel, a channel at once where it may stay in L2, or else in parts.
// Small planes are read as a matrix of N rows and C S columns, in parts of neighbouring rows and columns.
#pragma once

#include <algorithm>

#include "cpu/kernel_table.h"
#include "cpu/parallel.h"
#include "ops/tensor.h"

namespace fastnn::cpu {

inline constexpr int64_t elements_per_task = 1 << 15;
inline constexpr int64_t elements_per_part = 1 << 17;  // 512 KiB of floats
inline constexpr int64_t smallest_plane = 16;          // shorter runs leave lanes of a vector empty

inline bool as_columns(const AxisView& view) { return view.inner < smallest_plane; }

// channel(c) for every channel, for what is a few operations a channel.
template <class Body>
void for_each_group_of_channels(const AxisView& view, const Body& channel) {
  parallel_for(view.axis_size, 512, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) channel(c);
  });
}

struct Part {
  int64_t offset;
  Runs runs;
};

// A channel in parts: `runs` runs of `length` elements each, the last ones shorter.
class ChannelParts {
 public:
  explicit ChannelParts(const AxisView& view) : view_(view) {
    length_ = std::min(view.inner, elements_per_part);
    runs_ = std::max<int64_t>(1, elements_per_part / std::max<int64_t>(length_, 1));
    pieces_ = (view.inner + length_ - 1) / length_;
    if (pieces_ > 1) runs_ = 1;
  }

  int64_t count() const { return (view_.outer + runs_ - 1) / runs_ * pieces_; }

  Part operator[](int64_t part) const {
    const int64_t run = part / pieces_ * runs_, at = part % pieces_ * length_, stride = view_.axis_size * view_.inner;
    return {run * stride + at, {std::min(runs_, view_.outer - run), std::min(length_, view_.inner - at), stride}};
  }

  // channel(c) for every channel; where it is cut into parts, they may be worked on side by side inside.
  template <class Body>
  void for_each_channel(const Body& channel) const {
    constexpr int64_t enough_channels = 32;
    const int64_t elements = std::max<int64_t>(1, view_.outer * view_.inner);
    if (count() > 1 && view_.axis_size < enough_channels) {
      for (int64_t c = 0; c < view_.axis_size; ++c) channel(c);
      return;
    }
    parallel_for(view_.axis_size, std::max<int64_t>(1, elements_per_task / elements), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) channel(c);
    });
  }

 private:
  AxisView view_;
  int64_t length_, runs_, pieces_;
};

// The same runs, the last one first: what was read last is still in the cache.
inline Part backwards(const Part& part) {
  const Runs& r = part.runs;
  return {part.offset + (r.count - 1) * r.stride, {r.count, r.length, -r.stride}};
}

// The matrix in parts of `rows` rows; a part is worked on in tiles of columns.
class ColumnParts {
 public:
  explicit ColumnParts(const AxisView& view) : batch_(view.outer), columns_(view.axis_size * view.inner) {
    const int64_t width = std::max<int64_t>(1, std::min(columns_, tile));
    rows_ = std::max<int64_t>(1024, elements_per_part / width);
  }

  int64_t columns() const { return columns_; }
  int64_t count() const { return (batch_ + rows_ - 1) / rows_; }

  // body(part, first column, its runs) for every part and tile.
  template <class Body>
  void for_each_tile(const Body& body) const {
    const int64_t tiles = (columns_ + tile - 1) / tile;
    const int64_t elements = std::max<int64_t>(1, std::min(batch_, rows_) * std::min(columns_, tile));
    parallel_for(count() * tiles, std::max<int64_t>(1, elements_per_task / elements), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t part = i / tiles, column = i % tiles * tile, row = part * rows_;
        const Runs runs{std::min(rows_, batch_ - row), std::min(tile, columns_ - column), columns_};
        body(part, column, Part{row * columns_ + column, runs});
      }
    });
  }

  // body(offset, runs) over all rows.
  template <class Body>
  void for_each_row_block(const Body& body) const {
    parallel_for(batch_, std::max<int64_t>(1, elements_per_task / std::max<int64_t>(columns_, 1)),
                 [&](int64_t begin, int64_t end) { body(begin * columns_, Runs{end - begin, columns_, columns_}); });
  }

 private:
  static constexpr int64_t tile = 256;
  int64_t batch_, columns_, rows_;
};

}  // namespace fastnn::cpu
