// grid_sample: each cell of the result reads its own place in a plane of the input (Jaderberg et al., "Spatial
// transformer networks", 2015). A grid holds places (x, y), where -1 and 1 stand for
//   align_corners: the centres of the first and the last cell       otherwise: the outer edges of these cells
//   bilinear: the four cells around the place, weighted by how near they are       nearest: the nearest one
//   zeros: a cell outside the plane counts as 0        border: places outside move to the nearest cell
// affine_grid makes the grid of places theta (x, y, 1) of the cells (x, y) of the result, theta being (2, 3).
//
// Letters: input (N, C, H, W), grid (N, OH, OW, 2), result (N, C, OH, OW).
#pragma once

#include <string_view>
#include <vector>

#include "ops/tensor.h"

namespace fastnn {

enum class SampleMode { bilinear, nearest };
enum class SamplePadding { zeros, border };

struct GridSampleOptions {
  SampleMode mode;
  SamplePadding padding;
  bool align_corners;

  static GridSampleOptions make(const char* op, std::string_view mode, std::string_view padding, bool align_corners) {
    if (mode != "bilinear" && mode != "nearest") {
      fail_value(op, "expected mode \"bilinear\" or \"nearest\", got \"", mode, "\"");
    }
    if (padding != "zeros" && padding != "border") {
      fail_value(op, "expected padding_mode \"zeros\" or \"border\", got \"", padding, "\"");
    }
    return {mode == "nearest" ? SampleMode::nearest : SampleMode::bilinear,
            padding == "border" ? SamplePadding::border : SamplePadding::zeros, align_corners};
  }
};

struct GridSampleSize {
  int64_t N, C, H, W, OH, OW;

  int64_t cells() const { return OH * OW; }
};

inline constexpr int64_t max_sample_axis = int64_t{1} << 40;

inline void validate_sample_input(const char* op, Shape input) {
  if (input.size() != 4) fail_value(op, "expected input of shape (N, C, H, W), got ", to_string(input));
  constexpr int64_t most = 1 << 30;  // cells are counted in 32 bits
  if (input[2] < 1 || input[3] < 1 || input[2] > most || input[3] > most) {
    fail_value(op, "expected input with H and W from 1 to 2**30, got shape ", to_string(input));
  }
}

inline GridSampleSize validate_grid_sample(const char* op, Shape input, Shape grid) {
  validate_sample_input(op, input);
  if (grid.size() != 4 || grid[0] != input[0] || grid[3] != 2) {
    fail_value(op, "expected grid of shape (", input[0], ", H_out, W_out, 2) for input of shape ", to_string(input),
               ", got ", to_string(grid));
  }
  element_count(op, grid.subspan(1, 2));
  return {input[0], input[1], input[2], input[3], grid[1], grid[2]};
}

inline std::vector<int64_t> sampled_shape(const GridSampleSize& size) { return {size.N, size.C, size.OH, size.OW}; }

inline void validate_sampled(const char* op, Shape grad_output, const GridSampleSize& size) {
  if (const auto expected = sampled_shape(size); !same(grad_output, expected)) {
    fail_value(op, "expected grad_output of shape ", to_string(expected), ", got ", to_string(grad_output));
  }
}

// `size` is the (N, C, H, W) of the result to be sampled, as torch takes it; C plays no part.
struct AffineGridSize {
  int64_t N, OH, OW;

  std::vector<int64_t> grid_shape() const { return {N, OH, OW, 2}; }
};

inline AffineGridSize validate_affine_size(const char* op, Shape size) {
  if (size.size() != 4) fail_value(op, "expected size (N, C, H, W), got ", to_string(size));
  for (const int64_t n : size) {
    if (n < 0 || n > max_sample_axis) fail_value(op, "expected size from 0 to 2**40, got ", to_string(size));
  }
  return {size[0], size[2], size[3]};
}

inline void validate_theta(const char* op, Shape theta, int64_t N) {
  if (theta.size() != 3 || theta[0] != N || theta[1] != 2 || theta[2] != 3) {
    fail_value(op, "expected theta of shape (", N, ", 2, 3) for a batch of ", N, ", got ", to_string(theta));
  }
}

inline void validate_affine_grad(const char* op, Shape grad_grid, const AffineGridSize& size) {
  if (const auto expected = size.grid_shape(); !same(grad_grid, expected)) {
    fail_value(op, "expected grad_grid of shape ", to_string(expected), ", got ", to_string(grad_grid));
  }
}

namespace FASTNN_BACKEND {

template <class T>
void affine_grid(const AffineGridSize& size, bool align_corners, const T* theta, T* grid);
template <class T>
void affine_grid_backward(const AffineGridSize& size, bool align_corners, const T* grad_grid, T* grad_theta);

template <class T>
void grid_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* grid, T* y);
// Of the grid affine_grid(theta), which is made a piece at a time.
template <class T>
void affine_sample(const GridSampleSize& size, const GridSampleOptions& options, const T* input, const T* theta, T* y);
// Either result may be null.
template <class T>
void grid_sample_backward(const GridSampleSize& size, const GridSampleOptions& options, const T* grad_output,
                          const T* input, const T* grid, T* grad_input, T* grad_grid);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
