#pragma once

#include <cmath>

#include "bindings/labelled_loss.h"
#include "bindings/pointwise_loss.h"
#include "bindings/weighted_loss.h"

namespace fastnn::bindings {

inline LossOptions make_loss_options(const std::string& reduction, double parameter) {
  if (!(parameter >= 0.0 && std::isfinite(parameter))) {
    fail_value("loss", "expected parameter to be finite and >= 0, got ", parameter);
  }
  return {parse_reduction("loss", reduction), parameter};
}

inline NLLOptions make_nll_options(const std::string& reduction, int64_t ignore_index) {
  return {parse_reduction("nll_loss", reduction), ignore_index};
}

inline MultiMarginOptions make_multi_margin_options(const std::string& reduction, int64_t p, double margin) {
  if (p != 1 && p != 2) fail_value("multi_margin_loss", "expected p to be 1 or 2, got ", p);
  if (!std::isfinite(margin)) fail_value("multi_margin_loss", "expected margin to be finite, got ", margin);
  return {parse_reduction("multi_margin_loss", reduction), p, margin};
}

inline void bind_loss_options(py::module_& m) {
  bind_options<LossOptions>(m, "LossOptions", [](auto options) {
    options.def(py::init(&make_loss_options), py::kw_only(), py::arg("reduction") = "mean", py::arg("parameter") = 1.0);
  });
  bind_options<NLLOptions>(m, "NLLOptions", [](auto options) {
    options.def(py::init(&make_nll_options), py::kw_only(), py::arg("reduction") = "mean",
                py::arg("ignore_index") = -100);
  });
  bind_options<MultiMarginOptions>(m, "MultiMarginOptions", [](auto options) {
    options.def(py::init(&make_multi_margin_options), py::kw_only(), py::arg("reduction") = "mean", py::arg("p") = 1,
                py::arg("margin") = 1.0);
  });
}

inline void bind_loss(py::module_& m) {
  bind_loss_options(m);
  bind_plain_loss(m, {"mse_loss", Pointwise::mse, false});
  bind_plain_loss(m, {"mse_loss_with_grad", Pointwise::mse, true});
  bind_plain_loss(m, {"l1_loss", Pointwise::l1, false});
  bind_plain_loss(m, {"l1_loss_with_grad", Pointwise::l1, true});
  bind_plain_loss(m, {"huber_loss", Pointwise::huber, false});
  bind_plain_loss(m, {"huber_loss_with_grad", Pointwise::huber, true});
  bind_plain_loss(m, {"smooth_l1_loss", Pointwise::smooth_l1, false});
  bind_plain_loss(m, {"smooth_l1_loss_with_grad", Pointwise::smooth_l1, true});
  bind_plain_loss(m, {"hinge_loss", Pointwise::hinge, false});
  bind_plain_loss(m, {"hinge_loss_with_grad", Pointwise::hinge, true});
  bind_weighted_loss(m, {"binary_cross_entropy_with_logits", Pointwise::bce_with_logits, false});
  bind_weighted_loss(m, {"binary_cross_entropy_with_logits_with_grad", Pointwise::bce_with_logits, true});
  bind_nll_loss(m, "nll_loss", false);
  bind_nll_loss(m, "nll_loss_with_grad", true);
  bind_multi_margin_loss(m, "multi_margin_loss", false);
  bind_multi_margin_loss(m, "multi_margin_loss_with_grad", true);
  bind_weighing(m);
}

}  // namespace fastnn::bindings
