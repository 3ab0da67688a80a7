"""Methods of domain adaptation as one estimator of scikit-learn."""

from contextlib import suppress
from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from da.config.choices import ROWS
from da.config.network import Network
from da.config.validation import shorten_names
from da.methods import Settings, settings_class
from da.runs.run import Run
from da.sklearn.domains import Rows, are_known, are_source, split_domains
from da.system.extras import extra
from da.training.rows import check_rows_suffice, fit_rows

with extra("sklearn", "da.sklearn"):
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        TransformerMixin,
        clone,
    )
    from sklearn.metrics import accuracy_score
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

NESTED = "method", "network"
"""Parameters that hold settings, each of which is a parameter too, as in `method__trade_off`."""


def _has_probabilities(adapter: "Adapter") -> bool:
    return adapter.head is None or hasattr(adapter.head, "predict_proba")


class Adapter(ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """Classify rows of a target domain, by a method that adapts to them without their labels.

    Rows are features, which are used as they are. A source has labels; those of the target are
    never looked at. Both are given in one of two ways: `fit(Xs, ys, Xt)`, or
    `fit(X, y, sample_domain=d)` in skada's convention, with positive numbers for rows of the source
    and negative ones for those of the target. Each positive number is a source of its own to
    `mdan` and `m3sda`. Without either, all rows are source and target alike.

        from sklearn.linear_model import LogisticRegression

        adapter = da.sklearn.Adapter("coral_map", head=LogisticRegression())
        predicted = adapter.fit(Xs, ys, Xt).predict(Xt)

    Each setting of the method and the network is a parameter of its own, so that a search can vary
    it: `{"method__trade_off": [0.1, 1], "network__neck": [0, 256]}`.

    Args:
        method: Name of a method, or its settings, such as `da.methods.DANN(trade_off=0.5)`.
        head: Classifier of scikit-learn that is fitted on adapted source rows. None for the
            method's own, which is trained with the rest.
        network: Settings of neck and head, `da.Network(...)`; None for the defaults.
        steps: Training steps. Maps with a `head` need none.
        batch: Rows of each domain in a step.
        lr: Learning rate.
        optimizer: How gradients move weights: adamw, or sgd with momentum.
        weight_decay: Weight decay; 0 for none.
        seed: Seed of first weights and of the order of rows.
        device: Name of the device of the training: auto, cpu, cuda or the like.
    """

    # Where scikit-learn routes metadata, as it does once skada is imported, domains come along.
    __metadata_request__fit: ClassVar = {"sample_domain": True}
    __metadata_request__transform: ClassVar = {"sample_domain": True}
    __metadata_request__predict: ClassVar = {"sample_domain": True}
    __metadata_request__predict_proba: ClassVar = {"sample_domain": True}
    __metadata_request__score: ClassVar = {"sample_domain": True}

    def __init__(
        self,
        method: Any = "coral_map",
        *,
        head: Any = None,
        network: Any = None,
        steps: Any = 500,
        batch: Any = 64,
        lr: Any = 1e-3,
        optimizer: Any = "adamw",
        weight_decay: Any = 1e-3,
        seed: Any = 0,
        device: Any = "auto",
    ):
        self.method = method
        self.head = head
        self.network = network
        self.steps = steps
        self.batch = batch
        self.lr = lr
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.seed = seed
        self.device = device

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters; `deep` also returns each setting of method and network."""
        found = super().get_params(deep)
        for name in NESTED if deep else ():
            with suppress(ValueError):  # of wrong settings, which `fit` refuses
                found |= {f"{name}__{key}": v for key, v in vars(self._settings(name)).items()}
        return found

    def set_params(self, **params: Any) -> "Adapter":
        """Set parameters, and settings of method and network as in `method__trade_off=0.5`.

        Raises:
            ValueError: If there is no such parameter.
        """
        nested: dict[str, dict[str, Any]] = {name: {} for name in NESTED}
        for key in [*params]:
            name, _, setting = key.partition("__")
            if setting and name in NESTED:
                nested[name][setting] = params.pop(key)
        super().set_params(**params)
        for name, given in nested.items():
            if given:
                setattr(self, name, _changed(self._settings(name), given))
        return self

    def _settings(self, name: str) -> Any:
        """Return the settings that a parameter holds or names.

        Raises:
            ValueError: If it does neither.
        """
        given, kind = getattr(self, name), Settings if name == "method" else Network
        if name == "method" and isinstance(given, str):
            given = settings_class(given)()
        elif name == "network" and given is None:
            given = Network()
        if not isinstance(given, kind):
            example = "a name, or da.methods.DANN()" if name == "method" else "da.Network()"
            raise ValueError(f"{name} is such as {example}, not {given!r}")
        return given

    def fit(self, X: Any, y: Any, Xt: Any = None, *, sample_domain: Any = None) -> "Adapter":
        """Adapt to the target, and train on the labels of the source.

        Args:
            X: Rows of the source, or of both domains.
            y: Class of each row. Those of target rows are not looked at: -1 and NaN will do.
            Xt: Rows of the target.
            sample_domain: Domain of each row of `X`: above 0 for the source, below 0 for the
                target.

        Raises:
            ValueError: If rows, labels or domains do not fit together, or a parameter is wrong.
        """
        settings = self._settings("method")
        check_rows_suffice(settings.owner)
        rows = split_domains(self, X, y, Xt, sample_domain)
        self.classes_, number = np.unique(rows.y, return_inverse=True)
        moves = settings.trains and (self.head is None or not settings.owner.frozen_only)
        self.method_ = fit_rows(
            self._run(settings),
            torch.tensor(rows.source, dtype=torch.float32),
            torch.tensor(number),
            torch.tensor(rows.target, dtype=torch.float32),
            self.device,
            domains=None if rows.domains is None else torch.tensor(rows.domains),
            steps=moves,
        )
        self.method_.cpu().double()  # so that a row has the same numbers in any company
        self._fit_head(rows)
        return self

    def _run(self, settings: Settings) -> Run:
        return Run(
            settings,
            ROWS,
            backbone="identity",
            network=self._settings("network"),
            steps=self.steps,
            batch=self.batch,
            lr=self.lr,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            seed=self.seed,
        )

    def _fit_head(self, rows: Rows) -> None:
        mapped = self._apply("embed", rows.source, np.ones(len(rows.source), bool))
        self._n_features_out = mapped.shape[1]
        self.head_ = None if self.head is None else clone(self.head).fit(mapped, rows.y)

    def fit_transform(
        self, X: Any, y: Any, Xt: Any = None, *, sample_domain: Any = None
    ) -> Shaped[np.ndarray, "..."]:
        """Do `fit`, and return the adapted rows of `X`, each by the map of its own domain.

        Args:
            X: Rows of the source, or of both domains.
            y: Class of each row.
            Xt: Rows of the target.
            sample_domain: Domain of each row of `X`.
        """
        self.fit(X, y, Xt, sample_domain=sample_domain)
        if Xt is not None:
            sample_domain = np.ones(len(X)) if np.ndim(Xt) > 1 else Xt
        return self.transform(X, sample_domain)

    def transform(self, X: Any, sample_domain: Any = None) -> Any:
        """Return adapted rows: those of the target, or of the domains that are given."""
        return self._apply("embed", *self._checked(X, sample_domain))

    def predict(self, X: Any, sample_domain: Any = None) -> Shaped[np.ndarray, "n"]:
        """Return the class of each row: of the target, or of the domains that are given."""
        x, source = self._checked(X, sample_domain)
        if self.head_ is not None:
            return self.head_.predict(self._apply("embed", x, source))
        return self.classes_[self._apply("predict", x, source).argmax(1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any, sample_domain: Any = None) -> Shaped[np.ndarray, "n k"]:
        """Return the probability of each class, in the order of `classes_`."""
        x, source = self._checked(X, sample_domain)
        if self.head_ is not None:
            return self.head_.predict_proba(self._apply("embed", x, source))
        return torch.from_numpy(self._apply("predict", x, source)).softmax(1).numpy()

    def score(self, X: Any, y: Any, sample_domain: Any = None, sample_weight: Any = None) -> float:
        """Return the share of rows that are classified right; rows without a label do not count.

        Args:
            X: Rows of the target, or of the domains that are given.
            y: Class of each row; NaN, None or -1 where it is unknown.
            sample_domain: Domain of each row; None for the target.
            sample_weight: Weight of each row.

        Raises:
            ValueError: If no row has a label.
        """
        check_consistent_length(X, y, sample_weight)
        predicted, known = self.predict(X, sample_domain), are_known(y, self.classes_)
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        y = np.array(np.asarray(y)[known].tolist())
        return float(accuracy_score(y, predicted[known], sample_weight=weight))

    def _checked(self, X: Any, sample_domain: Any) -> tuple[Any, Bool[np.ndarray, "n"]]:
        check_is_fitted(self)
        x = validate_data(self, X, reset=False)
        return x, are_source(sample_domain, len(x))

    @torch.no_grad()
    def _apply(self, part: str, x: Any, source: Bool[np.ndarray, "n"]) -> Shaped[np.ndarray, "n _"]:
        """Return what a part of the method gives for each row, by the map of its domain."""
        method, rows = self.method_, torch.tensor(x, dtype=torch.float64)
        found: Tensor = getattr(method, part)(method.map_target(rows))
        if source.any():
            ours = getattr(method, f"{part}_source")(method.map_source(rows))
            found = torch.where(torch.tensor(source)[:, None], ours, found)
        return found.numpy()


def _changed(settings: Any, given: dict[str, Any]) -> Any:
    """Return settings with other values.

    Raises:
        ValueError: If there is no such setting.
    """
    known = [f.name for f in fields(settings)]
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"no setting {unknown[0]!r}, known: {shorten_names(known)}")
    return replace(settings, **given)
