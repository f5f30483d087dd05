// What the kernels of convolution are told: plain planes, offsets and runs of cells, no shapes.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

// Copies rows of a plane with zeros around, the columns sorted by their remainder modulo `step`, so that
// what a stride of `step` reads lies side by side:
//   dst[r][f][u] = x[first_row + r * row_step][u * step + phases[f] - before], zero outside of x
// dst has room for one vector more, and what lies there may be overwritten.
template <class T>
struct PlaneStage {
  const T* x;
  int64_t rows, columns;  // of x
  int64_t first_row, row_step, staged_rows;
  int64_t before, step;
  const int64_t* phases;
  int64_t phase_count, width;
  T* dst;
  int64_t next = 0;  // distance to what will be copied after this, which is fetched ahead; 0: nothing
};

// The same with channels innermost: dst[r][u][c] = x[c][first_row + r * row_step][u * step - before].
template <class T>
struct ChannelsLastStage {
  const T* x;
  int64_t channels, rows, columns;
  int64_t first_row, row_step, staged_rows;
  int64_t before, step, width;
  T* dst;
};

// Neighbouring columns of a panel that are neighbours in memory, too.
struct Run {
  int64_t column, length, source;
};

// A panel of B, line by line: dst[p][column + i] = src[lines[p] + source + i] for each run. dst has room for
// one vector more, because short runs are written as whole vectors, the next one over their end.
template <class T>
struct Gather {
  const T* src;
  bool readable;  // a vector past the end of each run may be read
  const int64_t* lines;
  int64_t depth;
  const Run* runs;
  int64_t run_count;
  T* dst;
};

// The columns of a finished tile to their places: y[i * y_row + source + j * step] = tile[i][column + j].
template <class T>
struct Scatter {
  const T* tile;
  int64_t tile_row, rows;
  const Run* runs;
  int64_t run_count, step;
  T* y;
  int64_t y_row;
};

// Some rows of output cells, for up to a tile's width of filters, which are the lanes:
//   sums[i * columns + j][f] = or += sum over p of x[rows[i] + j * step + lines[p]] * weight[p][f]
// Rows of sums and of weight are a tile wide.
template <class T>
struct CellProduct {
  const T* x;
  const int64_t *rows, *lines;
  int64_t columns, step;
  const T* weight;
  int64_t depth, cells, filters;
  T* sums;
  bool accumulate;
  // Where the sums will be stored, to be in cache by then: at y + f * y_plane + j * y_step; null: not known.
  const T* y;
  int64_t y_plane, y_step;
};

// Finished sums to their planes: y[f * y_plane + j * y_step] = sums[j][f] + bias[f], then max(0, .) with relu.
template <class T>
struct CellStore {
  const T* sums;
  int64_t cells, filters;
  const T* bias;  // null: none
  bool relu;
  T* y;
  int64_t y_plane, y_step;
};

// One filter on one plane: y[i][j] = bias + sum over p of weight[p] * src[taps[p] + i * src_line + j].
template <class T>
struct PlaneFilter {
  const T* src;
  bool readable;  // a vector past the end of each row may be read
  const int64_t* taps;
  const T* weight;
  int64_t depth;
  int64_t rows, columns, src_line;
  T* y;
  int64_t y_line, y_step;
  const T* bias;  // null: none
  bool relu;
};

// A row of output cells: where its first window is read, and where its first cell is written.
struct CellRow {
  int64_t source, target;
};

// A bank of few filters on many planes:
//   y[m * y_plane + target + j] = or += sum over p of weight[p * filters + m] * x[source + lines[p] + j]
// for each row: = with the first block of terms, + bias[m] and max(0, .) with the last. A vector past the end of a row
// of x may be read.
template <class T>
struct FilterBank {
  const T* x;
  const int64_t* lines;
  const T* weight;
  int64_t depth, filters;
  const CellRow* rows;
  int64_t row_count, columns;
  T* y;
  int64_t y_plane;
  bool starts, ends;
  const T* bias;  // null: none
  bool relu;
};

// Windows of 3 x 3 on a plane that has no zeros around it: the cell of window (i, j) under tap (a, b) is
//   x[first_row + i * step + a][j * step - left + b], zero outside of x
template <class T>
struct PlaneWindows {
  const T* x;
  int64_t x_rows, x_columns;
  int64_t first_row, left, step;  // a step of 1 or 2
  int64_t rows, columns;          // windows
};

// y[i][j] = bias + sum over a, b of weight[3 a + b] * cell(i, j, a, b).
template <class T>
struct WindowFilter {
  PlaneWindows<T> windows;
  const T* weight;
  T* y;
  int64_t y_line;
  const T* bias;  // null: none
  bool relu;
};

// lanes[3 a + b] += sum over i, j of grad[i][j] * cell(i, j, a, b), lane by lane.
template <class T>
struct WindowProducts {
  PlaneWindows<T> windows;
  const T* grad;
  T* lanes;  // one vector a tap
};

// Products of two planes, lane by lane: lanes[p] += sum over i, j of grad[i][j] * src[taps[p] + i * src_line + j]
template <class T>
struct TapProducts {
  const T* src;
  const int64_t* taps;
  int64_t depth;
  int64_t rows, columns, src_line;
  const T* grad;
  T* lanes;  // one vector a tap
};

// The same for every filter of a bank: lanes[m * depth + p] += ... grad[m * grad_plane + i * columns + j] * ...
template <class T>
struct FilterProducts {
  const T* src;
  const int64_t* taps;
  int64_t depth, filters;
  int64_t rows, columns, src_line;
  const T* grad;
  int64_t grad_plane;
  T* lanes;
};

// grad_x of a 3 x 3 filter of stride 2: rows of grad_x, their cells lying alternately under tap 1 and under taps
// 0 and 2 of some windows. Row 0 and column 0 of grad belong to windows before those that hold the first cell.
template <class T>
struct PairSpread {
  const T* grad;  // with zeros around; a vector past the end may be read
  int64_t line;
  const T* weight;
  bool odd_row, odd_column;  // whether the first lies under tap 1
  T* grad_x;
  int64_t rows, columns;
};

// Winograd's transforms; place p of a tile's 4x4 lies `plane` behind place p - 1 wherever tiles are transformed.
// Tiles of input, 2 cells apart, place by place: dst[p * plane + c * tiles + t] for each channel. Cell p of tile j of a
// row lies at x[rows[i] + j + lines[c * 16 + p]], from where a vector may be read; one more may be written behind dst.
template <class T>
struct WinogradInput {
  const T* x;
  const int64_t *rows, *lines;
  int64_t channels, row_count, columns;  // columns: tiles of a row
  T* dst;
  int64_t plane;
};

// Filters side by side, as wide as a tile: dst[p * plane + c * width + f] from weight[(c * 9 + tap) * width + f].
template <class T>
struct WinogradFilters {
  const T* weight;
  int64_t channels;
  bool turned;  // taps from the last to the first
  T* dst;
  int64_t plane;
};

// Products back to cells: dst[(i * columns + j) * width + f], i < rows, from sums[p * plane + j / 2 * width + f].
template <class T>
struct WinogradOutput {
  const T* sums;
  int64_t plane, filters;
  int64_t rows, columns;  // cells: rows 1 or 2
  T* dst;
};

// The adjoints, for the gradient of the filters; filters fill the lanes, as wide as a tile.
// dst[p * plane + j / 2 * width + f] from cells[(i * columns + j) * width + f], i < rows.
template <class T>
struct WinogradGradOutput {
  const T* cells;
  int64_t rows, columns;  // cells: rows 1 or 2
  T* dst;
  int64_t plane;
};

// dst[(c * 9 + tap) * width + f] from sums[p * plane + c * width + f].
template <class T>
struct WinogradGradWeight {
  const T* sums;
  int64_t plane, channels;
  T* dst;
};

template <class T>
struct Conv2dKernels {
  void (*stage_plane)(const PlaneStage<T>& stage);
  void (*stage_channels_last)(const ChannelsLastStage<T>& stage);
  void (*gather)(const Gather<T>& gather);
  void (*scatter)(const Scatter<T>& scatter);
  void (*multiply_cells)(const CellProduct<T>& product);
  void (*store_cells)(const CellStore<T>& store);
  void (*winograd_input)(const WinogradInput<T>& input);
  void (*winograd_filters)(const WinogradFilters<T>& filters);
  void (*winograd_output)(const WinogradOutput<T>& output);
  void (*winograd_grad_output)(const WinogradGradOutput<T>& grad);
  void (*winograd_grad_weight)(const WinogradGradWeight<T>& grad);
  void (*filter_plane)(const PlaneFilter<T>& filter);
  void (*filter_bank)(const FilterBank<T>& bank);
  void (*filter_windows)(const WindowFilter<T>& filter);
  void (*spread_pairs)(const PairSpread<T>& spread);
  void (*tap_products)(const TapProducts<T>& products);
  void (*window_products)(const WindowProducts<T>& products);
  void (*filter_products)(const FilterProducts<T>& products);
  // out[i] = sum of vector i of lanes
  void (*fold_lanes)(const T* lanes, int64_t vectors, T* out);
  // The sum of n neighbours, in an order that depends on n only.
  T (*sum)(const T* x, int64_t n);
};

}  // namespace fastnn::cpu
