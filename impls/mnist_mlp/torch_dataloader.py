"""PyTorch DataLoader: images are prepared one by one and collected into batches, as tutorials do it."""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from .torch_optim import adopt, export, forward, loss_and_grads, train_step

READ_AFTER = "torch_optim"


class Digits(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images.cpu(), labels.cpu(), transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]


def transform(dtype, mean, std):
    return lambda image: image.to(dtype).div_(255).sub_(mean).div_(std)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    weight = next(state.model.parameters())
    digits = Digits(images, labels, transform(weight.dtype, mean, std))
    losses = []
    for x, y in DataLoader(digits, batch_sampler=order.tolist()):
        x, y = x.to(weight.device), y.to(weight.device)
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)


@torch.inference_mode()
def evaluate(state, images, labels, mean, std):
    weight = next(state.model.parameters())
    digits = Digits(images, labels, transform(weight.dtype, mean, std))
    total_loss, correct = 0, 0
    for x, y in DataLoader(digits, batch_size=1000):
        x, y = x.to(weight.device), y.to(weight.device)
        logits = state.model(x)
        total_loss += F.cross_entropy(logits, y, reduction="sum")
        correct += (logits.argmax(dim=1) == y).sum()
    return total_loss / len(digits), correct
