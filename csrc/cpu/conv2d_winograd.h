// What the three sums of a convolution by Winograd's F(2x2, 3x3) have in common: tiles of 4x4 input cells, 2 apart, are
// transformed into 16 places; each place is summed by a matrix product of its own.
#pragma once

#include "cpu/conv2d_correlation.h"
#include "cpu/conv2d_panels.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {

inline constexpr int64_t winograd_places = 16, winograd_taps = 9;

// Elements of a place of `rows` rows of a panel: one line of cache more, or the places of a tile might all lie in the
// same set of the cache (the transformation of 256 x 256 weights took 3 times as long).
template <class T>
int64_t panel_place(int64_t rows) {
  return rows * panel_width<T>() + 64 / static_cast<int64_t>(sizeof(T));
}

// The same planes under windows of 4x4, 2 apart: an output row is a row of tiles.
template <class T>
Correlation<T> tiles_of(Correlation<T> c) {
  for (WindowAxis* axis : {&c.h, &c.w}) {
    axis->kernel = 4;
    axis->stride = 2;
    axis->output = ceil_div(axis->output, 2);
  }
  return c;
}

// Transforms the input of bands of rows of tiles, some channels at a time.
template <class T>
class TileInput {
 public:
  // For bands of at most `rows` rows.
  TileInput(const Correlation<T>& tiles, int64_t rows)
      : columns_(tiles.w.output),
        channels_(tiles.channels),
        input_(tiles, rows, std::min(channels_, most_channels)),
        cells_(most_channels * winograd_places),
        rows_(rows) {}

  // Elements of a place of `channels` channels and `tiles` tiles: kernels write whole vectors.
  static int64_t place_size(int64_t channels, int64_t tiles) { return channels * tiles + slack; }

  // Channels [first, last) of a group to to[place][channel][tile].
  void transform(const Band& band, int64_t group, int64_t first, int64_t last, int64_t place, T* to) {
    const int64_t rows = band.last - band.first;
    for (; first < last; first += most_channels) {
      const int64_t count = std::min(most_channels, last - first);
      input_.load(band, group, first, first + count);
      input_.line_offsets(0, count * winograd_places, cells_.data());
      for (int64_t row = 0; row < rows; ++row) rows_.data()[row] = input_.row_offset(band.first + row);
      kernels<T>().conv2d.winograd_input(
          {input_.data(), rows_.data(), cells_.data(), count, rows, columns_, to, place});
      to += count * rows * columns_;
    }
  }

 private:
  static constexpr int64_t most_channels = 32;  // copied at a time, to be in L1 when they are transformed
  static constexpr int64_t slack = 64;

  int64_t columns_, channels_;
  BandInput<T> input_;
  AlignedBuffer<int64_t> cells_, rows_;
};

}  // namespace fastnn::cpu
