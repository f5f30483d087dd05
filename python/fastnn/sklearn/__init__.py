"""Estimators with the interface of scikit-learn, on fastnn's kernels."""

try:
    from fastnn.sklearn.classifier import MLPClassifier
    from fastnn.sklearn.cnn import CNNClassifier
    from fastnn.sklearn.regressor import MLPRegressor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("sklearn", "scipy"):
        raise
    raise ImportError("fastnn.sklearn needs scikit-learn >= 1.6: pip install scikit-learn") from error

__all__ = ["CNNClassifier", "MLPClassifier", "MLPRegressor"]
