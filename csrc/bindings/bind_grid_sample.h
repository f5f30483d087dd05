#pragma once

#include "bindings/integers.h"
#include "bindings/output.h"
#include "ops/grid_sample.h"

namespace fastnn::bindings {

inline double grid_sample_flops(const GridSampleSize& size) {
  return 8.0 * static_cast<double>(size.N) * static_cast<double>(size.C + 2) * static_cast<double>(size.cells());
}

inline double affine_grid_flops(const AffineGridSize& size) {
  return 8.0 * static_cast<double>(size.N) * static_cast<double>(size.OH) * static_cast<double>(size.OW);
}

template <class T>
py::object affine_grid(py::handle theta_object, const AffineGridSize& size, bool align_corners, py::handle out) {
  Input<T> theta("affine_grid", "theta", theta_object);
  validate_theta("affine_grid", theta.shape(), size.N);
  Output grid("affine_grid", out, py::dtype::of<T>(), size.grid_shape());
  grid.apart_from(Aliasing::none, theta);
  const T* theta_data = theta.data();
  {
    const GilRelease release(affine_grid_flops(size));
    backend::affine_grid(size, align_corners, theta_data, grid.data<T>());
  }
  return grid.finish();
}

template <class T>
py::object affine_grid_backward(py::handle grad_object, const AffineGridSize& size, bool align_corners,
                                py::handle out) {
  const char* op = "affine_grid_backward";
  Input<T> grad(op, "grad_grid", grad_object);
  validate_affine_grad(op, grad.shape(), size);
  Output grad_theta(op, out, py::dtype::of<T>(), std::vector<int64_t>{size.N, 2, 3});
  grad_theta.apart_from(Aliasing::none, grad);
  const T* grad_data = grad.data();
  {
    const GilRelease release(affine_grid_flops(size));
    backend::affine_grid_backward(size, align_corners, grad_data, grad_theta.data<T>());
  }
  return grad_theta.finish();
}

template <class T>
py::object grid_sample(py::handle input_object, py::handle grid_object, const GridSampleOptions& options,
                       py::handle out) {
  const char* op = "grid_sample";
  Input<T> input(op, "input", input_object), grid(op, "grid", grid_object);
  const GridSampleSize size = validate_grid_sample(op, input.shape(), grid.shape());
  Output y(op, out, py::dtype::of<T>(), sampled_shape(size));
  y.apart_from(Aliasing::none, input, grid);
  const T *input_data = input.data(), *grid_data = grid.data();
  {
    const GilRelease release(grid_sample_flops(size));
    backend::grid_sample(size, options, input_data, grid_data, y.data<T>());
  }
  return y.finish();
}

// The planes of the result are as large as those of the input.
template <class T>
py::object affine_sample(py::handle input_object, py::handle theta_object, const GridSampleOptions& options,
                         py::handle out) {
  const char* op = "affine_sample";
  Input<T> input(op, "input", input_object), theta(op, "theta", theta_object);
  const Shape shape = input.shape();
  validate_sample_input(op, shape);
  validate_theta(op, theta.shape(), shape[0]);
  const GridSampleSize size{shape[0], shape[1], shape[2], shape[3], shape[2], shape[3]};
  Output y(op, out, py::dtype::of<T>(), shape);
  y.apart_from(Aliasing::none, input, theta);
  const T *input_data = input.data(), *theta_data = theta.data();
  {
    const GilRelease release(grid_sample_flops(size));
    backend::affine_sample(size, options, input_data, theta_data, y.data<T>());
  }
  return y.finish();
}

// The arrays of `out`, None where there is none.
inline std::array<py::object, 2> two_outs(const char* op, py::handle out) {
  if (out.is_none()) return {py::none(), py::none()};
  if (!py::isinstance<py::tuple>(out) || py::len(out) != 2) {
    fail_type(op, "expected out to be a tuple of two arrays or None, got ", type_name(out));
  }
  return {out.cast<py::tuple>()[0], out.cast<py::tuple>()[1]};
}

template <class T>
py::tuple grid_sample_backward(py::handle grad_object, py::handle input_object, py::handle grid_object,
                               const GridSampleOptions& options, std::array<bool, 2> needs, py::handle out) {
  const char* op = "grid_sample_backward";
  Input<T> input(op, "input", input_object), grid(op, "grid", grid_object), grad(op, "grad_output", grad_object);
  const GridSampleSize size = validate_grid_sample(op, input.shape(), grid.shape());
  validate_sampled(op, grad.shape(), size);
  const auto outs = two_outs(op, out);
  std::optional<Output> grad_input, grad_grid;
  if (needs[0]) grad_input.emplace(op, outs[0], py::dtype::of<T>(), input.shape(), "out[0]");
  if (needs[1]) grad_grid.emplace(op, outs[1], py::dtype::of<T>(), grid.shape(), "out[1]");
  if (grad_input) grad_input->apart_from(Aliasing::none, input, grid, grad);
  if (grad_grid) grad_grid->apart_from(Aliasing::none, input, grid, grad);
  if (grad_input && grad_grid && grad_grid->overlaps(*grad_input)) {
    fail_value(op, "expected the arrays of out not to overlap, got out[0] and out[1] that do");
  }
  const T *grad_data = grad.data(), *input_data = input.data(), *grid_data = grid.data();
  {
    const GilRelease release(2 * grid_sample_flops(size));
    backend::grid_sample_backward(size, options, grad_data, input_data, grid_data,
                              grad_input ? grad_input->data<T>() : nullptr, grad_grid ? grad_grid->data<T>() : nullptr);
  }
  return py::make_tuple(grad_input ? py::object(grad_input->finish()) : py::none(),
                        grad_grid ? py::object(grad_grid->finish()) : py::none());
}

inline void bind_affine_grid(py::module_& m) {
  m.def(
      "affine_grid",
      [](py::handle theta, const py::tuple& size, bool align_corners, py::handle out) {
        const AffineGridSize cells = validate_affine_size("affine_grid", as_integers("affine_grid", "size", size));
        return by_dtype("affine_grid", "theta", theta,
                        [&](auto t) { return affine_grid<decltype(t)>(theta, cells, align_corners, out); });
      },
      py::arg("theta"), py::arg("size"), py::arg("align_corners"), py::arg("out"));
  m.def(
      "affine_grid_backward",
      [](py::handle grad_grid, const py::tuple& size, bool align_corners, py::handle out) {
        const char* op = "affine_grid_backward";
        const AffineGridSize cells = validate_affine_size(op, as_integers(op, "size", size));
        return by_dtype(op, "grad_grid", grad_grid, [&](auto t) {
          return affine_grid_backward<decltype(t)>(grad_grid, cells, align_corners, out);
        });
      },
      py::arg("grad_grid"), py::arg("size"), py::arg("align_corners"), py::arg("out"));
}

inline void bind_grid_sample(py::module_& m) {
  bind_affine_grid(m);
  m.def(
      "grid_sample",
      [](py::handle input, py::handle grid, const std::string& mode, const std::string& padding_mode,
         bool align_corners, py::handle out) {
        const auto options = GridSampleOptions::make("grid_sample", mode, padding_mode, align_corners);
        return by_dtype("grid_sample", "input", input,
                        [&](auto t) { return grid_sample<decltype(t)>(input, grid, options, out); });
      },
      py::arg("input"), py::arg("grid"), py::arg("mode"), py::arg("padding_mode"), py::arg("align_corners"),
      py::arg("out"));
  m.def(
      "affine_sample",
      [](py::handle input, py::handle theta, const std::string& mode, const std::string& padding_mode,
         bool align_corners, py::handle out) {
        const auto options = GridSampleOptions::make("affine_sample", mode, padding_mode, align_corners);
        return by_dtype("affine_sample", "input", input,
                        [&](auto t) { return affine_sample<decltype(t)>(input, theta, options, out); });
      },
      py::arg("input"), py::arg("theta"), py::arg("mode"), py::arg("padding_mode"), py::arg("align_corners"),
      py::arg("out"));
  m.def(
      "grid_sample_backward",
      [](py::handle grad_output, py::handle input, py::handle grid, const std::string& mode,
         const std::string& padding_mode, bool align_corners, const py::tuple& needs, py::handle out) {
        const char* op = "grid_sample_backward";
        const auto options = GridSampleOptions::make(op, mode, padding_mode, align_corners);
        if (needs.size() != 2) fail_value(op, "expected needs to be two booleans, got ", needs.size(), " values");
        const std::array<bool, 2> wanted{as_bool(op, "needs", needs[0]), as_bool(op, "needs", needs[1])};
        return by_dtype(op, "input", input, [&](auto t) {
          return grid_sample_backward<decltype(t)>(grad_output, input, grid, options, wanted, out);
        });
      },
      py::arg("grad_output"), py::arg("input"), py::arg("grid"), py::arg("mode"), py::arg("padding_mode"),
      py::arg("align_corners"), py::arg("needs"), py::arg("out"));
}

}  // namespace fastnn::bindings
